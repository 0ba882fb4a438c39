"""What fluctuator's control variates cost and gain, against its own plain average."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from batches import Spread
from cases import Case
from fluctuator_engine import Outcome
from report import milliseconds, print_aligned


@dataclass(frozen=True)
class Controls:
    """Runs of one case without and with control variates, as many trajectories each."""

    case: Case
    plain: list[Outcome]
    controlled: list[Outcome]

    @property
    def cost(self) -> Spread:
        """Time with over time without, round by round; the pilot trajectories are part of it."""
        return Spread.of([c.seconds / p.seconds for p, c in zip(self.plain, self.controlled, strict=True)])

    @property
    def gain(self) -> Spread:
        """Variance of the plain average of ⟨N⟩ at the end over that of the controlled one, from the same trajectories."""
        return Spread.of([(run.plain_error / run.error) ** 2 for run in self.controlled])

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured and what was made of it."""
        return {
            "case": asdict(self.case),
            "cost_ratio": self.cost._asdict(),
            "variance_ratio": self.gain._asdict(),
            "plain": [run._asdict() for run in self.plain],
            "controlled": [run._asdict() for run in self.controlled],
        }


def print_controls(controls: Sequence[Controls]) -> None:
    """Prints a row per case."""
    header = "case|trajectories|plain ms/trajectory|controlled ms/trajectory|cost|variance plain/controlled".split("|")
    print("\nwith control variates (fluctuator alone)")
    print_aligned([header, *(row(case) for case in controls)])
    print("times: whole runs with their pilot trajectories; cost and variance: median (least–most) of the rounds")


def row(case: Controls) -> list[str]:
    """The cells of a case."""
    plain, controlled = (
        milliseconds(Spread.of([run.seconds / run.trajectories for run in runs]))
        for runs in (case.plain, case.controlled)
    )
    gain = case.gain
    return [
        case.case.label,
        str(round(statistics.median(run.trajectories for run in case.controlled))),
        plain,
        controlled,
        f"{case.cost.median:.2f} ({case.cost.least:.2f}–{case.cost.most:.2f})",
        f"{gain.median:.3g} ({gain.least:.3g}–{gain.most:.3g})",
    ]
