"""Batches of `fluctuator run`."""

import json
import math
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from batches import Batch
from cases import Case

RUN_FILE = Path(__file__).with_name("eq35.toml")


PLAIN = {"ensemble.estimator": "plain"}
CONTROLLED = {"ensemble.estimator": "controlled"}


class Outcome(NamedTuple):
    """⟨N⟩ at the last time and what it took."""

    trajectories: int
    seconds: float
    """From reading the run file to the averages with their errors, pilot trajectories included."""
    mean: float
    error: float
    """The reported standard error; 0 for the density matrix."""
    plain_error: float
    """Standard error of the plain average over the same trajectories."""


class FluctuatorEngine:
    """The program with the settings of one case, and `ensemble` for how to average."""

    def __init__(self, program: Path, case: Case, ensemble: dict[str, Any]) -> None:
        settings: dict[str, Any] = {
            "model.cutoff": case.cutoff,
            "model.spins.0.bath.gamma": float(case.gamma),
            "model.spins.0.bath.nbar": float(case.nbar),
            **ensemble,
        }
        if case.clips:
            # A trajectory that reaches a hard cutoff ends the run with an error; QuTiP clips it without a word.
            settings["numerics.max_clipped"] = 1.0
        self.settings = settings
        self.program = program

    def run(self, trajectories: int, seed: int) -> Batch:
        """A batch, with the spread of its plain average."""
        outcome = self.outcome(seed, trajectories)
        # Where the best estimate is not the plain average, its error says nothing of one trajectory's deviation.
        deviation = outcome.plain_error * math.sqrt(trajectories)
        return Batch(trajectories, outcome.seconds, outcome.mean, deviation, outcome.error)

    def outcome(self, seed: int, trajectories: int | None = None) -> Outcome:
        """A run of so many trajectories; of as many as its target asks for if none are given."""
        count = [] if trajectories is None else ["--trajectories", str(trajectories)]
        return self.call("run", "--threads", "1", "--seed", str(seed), *count)

    def exact(self) -> Outcome:
        """The density matrix."""
        return self.call("exact")

    def call(self, subcommand: str, *flags: str) -> Outcome:
        """Runs the program and reads its result."""
        with tempfile.TemporaryDirectory() as directory:
            command = [str(self.program), subcommand, str(RUN_FILE), "--out", directory, "--quiet", *flags]
            for key, value in self.settings.items():
                command += ["--set", f"{key}={value}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)}\nfailed with exit code {done.returncode}:\n{done.stderr}")
            summary = json.loads((Path(directory) / "summary.json").read_text(encoding="utf-8"))
        return read_outcome(summary)


def read_outcome(summary: dict[str, Any]) -> Outcome:
    """The numbers of a `summary.json`."""
    provenance, point = summary["provenance"], summary["points"][0]
    number = point["observables"]["number"]
    error = number.get("standard_error", [0.0])[-1]
    return Outcome(
        trajectories=point["trajectories"],
        seconds=provenance["wall_time_seconds"],
        mean=number["mean"][-1],
        error=error,
        plain_error=number.get("plain_standard_error", [error])[-1],
    )
