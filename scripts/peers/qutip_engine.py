"""Batches of QuTiP's `mcsolve`, set up the way a physicist would."""

import math
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="matplotlib not found")
    import qutip

from batches import Batch
from cases import DURATION, TIMES, Case

# When jumps are frequent, mcsolve with its default options now and then ends with "Could not find the collapse time".
# Its message names the remedies; they are tried in this order, and the table says which one was needed.
REMEDIES: list[dict[str, float]] = [
    {},
    {"norm_steps": 1000},
    {"norm_steps": 1000, "norm_tol": 1e-3},
    {"norm_steps": 1000, "norm_tol": 1e-2, "norm_t_tol": 1e-5},
]


class CollapseNotFound(Exception):
    """mcsolve did not find the time of a jump."""


@dataclass
class System:
    """Operators and initial ket of a case; the spin's basis is |+⟩, |−⟩ of its own Hamiltonian."""

    case: Case
    hamiltonian: qutip.Qobj = field(init=False)
    collapse: list[qutip.Qobj] = field(init=False)
    number: qutip.Qobj = field(init=False)
    initial: qutip.Qobj = field(init=False)

    def __post_init__(self) -> None:
        levels, gamma, nbar = self.case.cutoff, self.case.gamma, self.case.nbar
        a = qutip.tensor(qutip.destroy(levels), qutip.qeye(2))
        plus, minus = qutip.basis(2, 0), qutip.basis(2, 1)
        raising = qutip.tensor(qutip.qeye(levels), plus * minus.dag())
        lowering = raising.dag()
        tau_z = raising * lowering - lowering * raising
        self.number = a.dag() * a
        self.hamiltonian = self.number + tau_z + (a + a.dag()) * (raising + lowering)
        self.collapse = [math.sqrt(gamma * (nbar + 1)) * lowering]
        if nbar > 0:
            self.collapse.append(math.sqrt(gamma * nbar) * raising)
        self.initial = qutip.tensor(qutip.basis(levels, 0), minus)


class QutipEngine:
    """A warm `MCSolver` for one case; `values` keeps every trajectory's ⟨N⟩ at the last time."""

    def __init__(self, case: Case, remedy: dict[str, float]) -> None:
        self.system = System(case)
        self.remedy = remedy
        self.values: list[float] = []
        options: dict[str, Any] = {"progress_bar": False, "map": "serial", "keep_runs_results": True, **remedy}
        self.solver = qutip.MCSolver(self.system.hamiltonian, self.system.collapse, options=options)

    @property
    def options(self) -> dict[str, Any]:
        """All options of the solver, those of its integrator included."""
        return {key: value for key, value in self.solver.options.items() if isinstance(value, (str, int, float, bool))}

    def run(self, trajectories: int, seed: int) -> Batch:
        """Runs a batch; only the solver's own call is timed."""
        times = np.linspace(0.0, DURATION, TIMES)
        begun = time.perf_counter()
        try:
            result = self.solver.run(
                self.system.initial, times, ntraj=trajectories, e_ops=[self.system.number], seeds=seed
            )
        except RuntimeError as error:
            if "Could not find the collapse time" in str(error):
                raise CollapseNotFound from error
            raise
        seconds = time.perf_counter() - begun
        self.values += [float(value) for value in result.runs_expect[0][:, -1]]
        mean, population_deviation = float(result.average_expect[0][-1]), float(result.std_expect[0][-1])
        if trajectories == 1:
            return Batch(1, seconds, mean, math.nan, math.nan)
        deviation = population_deviation * math.sqrt(trajectories / (trajectories - 1))
        return Batch(trajectories, seconds, mean, deviation, deviation / math.sqrt(trajectories))
