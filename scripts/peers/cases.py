"""The systems that both engines run."""

from dataclasses import dataclass

DURATION = 10.0
TIMES = 101


@dataclass(frozen=True)
class Case:
    """Eq. (35) with one spin; frequency, coupling and half the splitting are 1."""

    gamma: float
    nbar: float
    cutoff: int

    @property
    def label(self) -> str:
        """Short name for tables and files."""
        return f"γ={self.gamma:g} n̄={self.nbar:g} N={self.cutoff}"

    @property
    def clips(self) -> bool:
        """Whether the cutoff is low enough for a rare trajectory to reach it."""
        return self.cutoff <= 60


CASES = [
    Case(10, 0, 60),
    Case(10, 1, 60),
    Case(100, 1, 60),
    Case(10, 0, 300),
    Case(10, 0, 1000),
    Case(10, 0, 4000),
]
QUICK_CASES = [case for case in CASES if case.cutoff == 60]
ACCURACY_CASE = Case(10, 1, 60)
"""The case whose time to a given accuracy is compared."""
CONTROL_CASES = [Case(10, 0, 60), Case(10, 1, 60), Case(100, 0, 60), Case(100, 1, 60)]
"""The cases where fluctuator's control variates are weighed."""
