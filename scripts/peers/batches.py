"""Batches of trajectories: how long they took and what they averaged to."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Estimate(NamedTuple):
    """A mean with its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class Batch:
    """Trajectories run in one go, and ⟨N⟩ at the last time."""

    trajectories: int
    seconds: float
    mean: float
    deviation: float
    """Standard deviation of one trajectory's ⟨N⟩; NaN for a single trajectory."""
    error: float
    """The engine's own standard error of `mean`; NaN for a single trajectory."""

    @property
    def seconds_per_trajectory(self) -> float:
        """The quantity that is compared."""
        return self.seconds / self.trajectories


class Spread(NamedTuple):
    """Median and range over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def pooled_deviation(batches: Sequence[Batch]) -> float:
    """Standard deviation of one trajectory, from the deviations inside the batches."""
    several = [batch for batch in batches if batch.trajectories > 1]
    freedom = sum(batch.trajectories - 1 for batch in several)
    squares = sum((batch.trajectories - 1) * batch.deviation**2 for batch in several)
    return math.sqrt(squares / freedom) if freedom else math.nan


def average(batches: Sequence[Batch]) -> Estimate:
    """The batches' means, weighted by trajectories, with the errors that the engine reported."""
    total = sum(batch.trajectories for batch in batches)
    mean = sum(batch.trajectories * batch.mean for batch in batches) / total
    error = math.sqrt(sum((batch.trajectories * batch.error) ** 2 for batch in batches)) / total
    return Estimate(mean, error)


def average_with_deviation(batches: Sequence[Batch], deviation: float) -> Estimate:
    """The same, with the error that follows from a given standard deviation of one trajectory."""
    total = sum(batch.trajectories for batch in batches)
    return Estimate(average(batches).mean, deviation / math.sqrt(total))


def deviation_in_errors(a: Estimate, b: Estimate) -> float:
    """How many combined standard errors lie between two estimates."""
    return (a.mean - b.mean) / math.hypot(a.error, b.error)
