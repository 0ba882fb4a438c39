"""Time to a given standard error of ⟨N⟩ at the end: fluctuator's whole run, QuTiP's extrapolated from its trajectories."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from batches import Batch, Spread, pooled_deviation
from cases import Case
from fluctuator_engine import Outcome
from report import Comparison, batch_as_json

RELATIVE_ERROR = 1e-3
SEEDS_PER_ROUND = 5
RESAMPLES = 4000


def target() -> dict[str, Any]:
    """fluctuator's stopping rule; everything else is its default."""
    return {"ensemble.target": f'{{observable="number",relative_error={RELATIVE_ERROR:g}}}'}


@dataclass(frozen=True)
class Accuracy:
    """Rounds of one case: a batch of QuTiP, and fluctuator's runs with several seeds."""

    case: Case
    exact: float
    """⟨N⟩ at the end, from the density matrix."""
    values: list[float]
    """⟨N⟩ at the end of every trajectory of QuTiP."""
    qutip: list[Batch]
    fluctuator: list[list[Outcome]]
    plain: Comparison
    """The same case, trajectory against trajectory: a better knowledge of the plain variance."""
    settings: dict[str, Any]

    @property
    def trajectories(self) -> float:
        """How many QuTiP needs by its own mean and variance."""
        return needed(float(np.mean(self.values)), float(np.var(self.values, ddof=1)))

    @property
    def trajectories_error(self) -> float:
        """Relative standard error of `trajectories`, by the bootstrap."""
        draws = np.random.default_rng(1).choice(self.values, (RESAMPLES, len(self.values)))
        counts = draws.var(axis=1, ddof=1) / draws.mean(axis=1) ** 2
        return float(counts.std() / counts.mean())

    @property
    def pooled_trajectories(self) -> float:
        """How many by the exact mean and the plain variance within all batches of both engines."""
        batches = [*self.qutip, *self.plain.qutip, *self.plain.fluctuator]
        return needed(self.exact, pooled_deviation(batches) ** 2)

    @property
    def seconds_per_trajectory(self) -> Spread:
        """QuTiP's."""
        return Spread.of([batch.seconds_per_trajectory for batch in self.qutip])

    @property
    def seconds(self) -> Spread:
        """fluctuator's whole run: the median over the seeds of a round, its spread over rounds."""
        return Spread.of([statistics.median(run.seconds for run in runs) for runs in self.fluctuator])

    def ratio(self, trajectories: float) -> Spread:
        """QuTiP's time for so many trajectories over fluctuator's, round by round."""
        rounds = zip(self.qutip, self.fluctuator, strict=True)
        times = [(q.seconds_per_trajectory, statistics.median(run.seconds for run in runs)) for q, runs in rounds]
        return Spread.of([trajectories * qutip / fluctuator for qutip, fluctuator in times])

    @property
    def runs(self) -> list[Outcome]:
        """fluctuator's runs."""
        return [run for runs in self.fluctuator for run in runs]

    @property
    def worst_z(self) -> float:
        """The largest deviation of a stopped run from the density matrix, in its own standard errors."""
        return max(((run.mean - self.exact) / run.error for run in self.runs), key=abs)

    def print(self) -> None:
        """Prints what either needs, and the ratio."""
        each, whole = self.seconds_per_trajectory, self.seconds
        counts = sorted(run.trajectories for run in self.runs)
        print(f"\ntime to a standard error of {RELATIVE_ERROR:.1%} of ⟨N⟩(10), {self.case.label}, one core")
        print(
            f"  QuTiP: {self.trajectories:.3g} (1 ± {self.trajectories_error:.2f}) trajectories by the mean and variance"
            f" of its {len(self.values)}, {1e3 * each.median:.1f} ms each: {self.trajectories * each.median:.0f} s"
        )
        print(
            f"  fluctuator: {counts[0]}–{counts[-1]} trajectories, {whole.median:.3f} ({whole.least:.3f}–{whole.most:.3f}) s"
            f" with its pilots; at most {abs(self.worst_z):.2f} of its errors from the density matrix in {len(self.runs)} runs"
        )
        for trajectories, variance in [
            (self.trajectories, f"QuTiP's own variance (1 ± {self.trajectories_error:.2f})"),
            (self.pooled_trajectories, f"the variance of both engines' plain trajectories ({self.pooled_trajectories:.3g})"),
        ]:
            ratio = self.ratio(trajectories)
            print(f"  ratio: {ratio.median:.0f} ({ratio.least:.0f}–{ratio.most:.0f} over the rounds), by {variance}")

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured and what was made of it."""
        return {
            "case": asdict(self.case),
            "relative_error": RELATIVE_ERROR,
            "exact": self.exact,
            "worst_z": self.worst_z,
            "qutip_trajectories": self.trajectories,
            "qutip_trajectories_relative_error": self.trajectories_error,
            "qutip_trajectories_by_pooled_variance": self.pooled_trajectories,
            "qutip_seconds_per_trajectory": self.seconds_per_trajectory._asdict(),
            "fluctuator_seconds": self.seconds._asdict(),
            "ratio": self.ratio(self.trajectories)._asdict(),
            "ratio_by_pooled_variance": self.ratio(self.pooled_trajectories)._asdict(),
            "fluctuator_settings": self.settings,
            "rounds": {
                "qutip": [batch_as_json(batch) for batch in self.qutip],
                "fluctuator": [[run._asdict() for run in runs] for runs in self.fluctuator],
            },
            "qutip_values": self.values,
        }


def needed(mean: float, variance: float) -> float:
    """Trajectories until the plain average has the relative error."""
    return variance / (RELATIVE_ERROR * mean) ** 2
