"""Batches of `fluctuator run`."""

import json
import math
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from batches import Batch
from cases import Case

RUN_FILE = Path(__file__).with_name("eq35.toml")


class FluctuatorEngine:
    """The program with the settings of one case."""

    def __init__(self, program: Path, case: Case) -> None:
        settings: dict[str, Any] = {
            "model.cutoff": case.cutoff,
            "model.spins.0.bath.gamma": float(case.gamma),
            "model.spins.0.bath.nbar": float(case.nbar),
        }
        if case.clips:
            # A trajectory that reaches a hard cutoff ends the run with an error; QuTiP clips it without a word.
            settings["numerics.max_clipped"] = 1.0
        self.settings = settings
        self.program = program

    def run(self, trajectories: int, seed: int) -> Batch:
        """Runs a batch; the time is the program's own, from reading the run file to the averages."""
        with tempfile.TemporaryDirectory() as directory:
            command = [str(self.program), "run", str(RUN_FILE), "--out", directory, "--quiet", "--threads", "1"]
            command += ["--trajectories", str(trajectories), "--seed", str(seed)]
            for key, value in self.settings.items():
                command += ["--set", f"{key}={value}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)}\nfailed with exit code {done.returncode}:\n{done.stderr}")
            summary = json.loads((Path(directory) / "summary.json").read_text(encoding="utf-8"))
        return read_batch(summary)


def read_batch(summary: dict[str, Any]) -> Batch:
    """The numbers of a `summary.json`."""
    provenance, point = summary["provenance"], summary["points"][0]
    number, trajectories = point["observables"]["number"], point["trajectories"]
    # Where the best estimate is not the plain average, its error says nothing of one trajectory's deviation.
    plain_error = number.get("plain_standard_error", number["standard_error"])[-1]
    return Batch(
        trajectories=trajectories,
        seconds=provenance["wall_time_seconds"],
        mean=number["mean"][-1],
        deviation=plain_error * math.sqrt(trajectories),
        error=number["standard_error"][-1],
    )
