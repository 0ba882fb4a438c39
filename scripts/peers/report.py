"""Results of all cases as a table and as JSON."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from batches import Batch, Estimate, Spread, average, average_with_deviation, deviation_in_errors, pooled_deviation
from cases import Case


@dataclass(frozen=True)
class Comparison:
    """One case: a batch of either engine per round."""

    case: Case
    qutip: list[Batch]
    fluctuator: list[Batch]
    remedy: dict[str, float]
    qutip_options: dict[str, Any]
    fluctuator_settings: dict[str, Any]

    @property
    def qutip_seconds(self) -> Spread:
        """Seconds per trajectory."""
        return Spread.of([batch.seconds_per_trajectory for batch in self.qutip])

    @property
    def fluctuator_seconds(self) -> Spread:
        """Seconds per trajectory."""
        return Spread.of([batch.seconds_per_trajectory for batch in self.fluctuator])

    @property
    def ratio(self) -> Spread:
        """QuTiP's time over fluctuator's, round by round."""
        rounds = zip(self.qutip, self.fluctuator, strict=True)
        return Spread.of([q.seconds_per_trajectory / f.seconds_per_trajectory for q, f in rounds])

    @property
    def qutip_number(self) -> Estimate:
        """⟨N⟩ at the end.

        Where QuTiP is slow its trajectories are too few to tell their own spread (at γ = 100 most end near zero and
        about one in eight near one or above). If the engines agree, both draw from one distribution, so its spread over
        the trajectories of both gives the error.
        """
        return average_with_deviation(self.qutip, pooled_deviation([*self.qutip, *self.fluctuator]))

    @property
    def fluctuator_number(self) -> Estimate:
        """⟨N⟩ at the end."""
        return average(self.fluctuator)

    @property
    def z(self) -> float:
        """Difference of the two ⟨N⟩ in standard errors."""
        return deviation_in_errors(self.qutip_number, self.fluctuator_number)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured and what was made of it."""
        own = pooled_deviation(self.qutip)
        return {
            "case": asdict(self.case),
            "qutip_seconds_per_trajectory": self.qutip_seconds._asdict(),
            "fluctuator_seconds_per_trajectory": self.fluctuator_seconds._asdict(),
            "ratio": self.ratio._asdict(),
            "qutip_number": self.qutip_number._asdict(),
            "fluctuator_number": self.fluctuator_number._asdict(),
            "z": self.z,
            "qutip_deviation": None if math.isnan(own) else own,
            "fluctuator_deviation": pooled_deviation(self.fluctuator),
            "qutip_options": self.qutip_options,
            "qutip_options_changed": self.remedy,
            "fluctuator_settings": self.fluctuator_settings,
            "rounds": {
                "qutip": [batch_as_json(batch) for batch in self.qutip],
                "fluctuator": [batch_as_json(batch) for batch in self.fluctuator],
            },
        }


def batch_as_json(batch: Batch) -> dict[str, Any]:
    """A batch without NaN, which JSON does not know."""
    return {key: None if math.isnan(value) else value for key, value in asdict(batch).items()}


def print_table(comparisons: Sequence[Comparison]) -> None:
    """Prints a row per case, and footnotes."""
    columns = "case|QuTiP ms/trajectory|fluctuator ms/trajectory|ratio|QuTiP ⟨N⟩(10)|fluctuator ⟨N⟩(10)|z"
    header = columns.split("|")
    print_aligned([header, *(row(comparison) for comparison in comparisons)])
    for comparison in comparisons:
        if comparison.remedy:
            changed = ", ".join(f"{key} = {value:g}" for key, value in comparison.remedy.items())
            print(f"* {comparison.case.label}: mcsolve fails to find a collapse time by default; here {changed}")
    print("times: median over the rounds (least–most), one core; ratio: median of the rounds' QuTiP / fluctuator")
    print("±: QuTiP's from the spread over the trajectories of both engines, fluctuator's its own")


def row(comparison: Comparison) -> list[str]:
    """The cells of a case."""
    return [
        comparison.case.label + ("*" if comparison.remedy else ""),
        milliseconds(comparison.qutip_seconds),
        milliseconds(comparison.fluctuator_seconds),
        f"{comparison.ratio.median:.0f}",
        number(comparison.qutip_number),
        number(comparison.fluctuator_number),
        f"{comparison.z:+.2f}",
    ]


def milliseconds(spread: Spread) -> str:
    """Median (least–most) of seconds, in milliseconds with three digits."""
    median, least, most = (three_digits(1e3 * value) for value in spread)
    return f"{median} ({least}–{most})"


def three_digits(value: float) -> str:
    """Three significant digits without an exponent."""
    decimals = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:.{decimals}f}"


def number(estimate: Estimate) -> str:
    """Mean ± standard error."""
    return f"{estimate.mean:.4f} ± {estimate.error:.4f}"


def print_aligned(rows: Sequence[Sequence[str]]) -> None:
    """Prints columns padded to their widest cell."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        padded = (cell + " " * (wide - width(cell)) for cell, wide in zip(cells, widths, strict=True))
        print("  ".join(padded).rstrip())


def width(text: str) -> int:
    """Columns on a terminal: combining marks, as in n̄, take none."""
    return sum(1 for character in text if not unicodedata.combining(character))
