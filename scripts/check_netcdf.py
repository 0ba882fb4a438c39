#!/usr/bin/env python3
"""Checks that DIR/result.nc, opened by xarray, holds the numbers of DIR/summary.json bit for bit.

Usage: python scripts/check_netcdf.py DIR        (needs xarray and scipy or netCDF4)
Prints one line; exit code 0 if all agree, 1 if not, 2 if a file cannot be read.
"""

import json
import sys
from pathlib import Path

import numpy as np
import xarray


class Mismatch(Exception):
    """A number of summary.json that result.nc holds differently or not at all."""


class Comparison:
    """One point of the file against one of summary.json; counts the numbers that agree."""

    def __init__(self, data):
        self.data = data
        self.agreed = 0

    def row(self, where, name, expected, padding=None, **position):
        """`expected` (a list, or a number, or None for NaN) against a variable, and `padding` behind it."""
        if name not in self.data:
            raise Mismatch(f"{where}: no variable {name}")
        found = np.atleast_1d(np.asarray(self.data[name].isel(**position).values, dtype=np.float64))
        expected = expected if isinstance(expected, list) else [expected]
        expected = np.array([np.nan if value is None else value for value in expected], dtype=np.float64)
        filler = np.full(max(0, len(found) - len(expected)), np.nan if padding is None else padding)
        expected = np.concatenate([expected, filler])
        if found.shape != expected.shape:
            raise Mismatch(f"{where}: {name} has {len(found)} numbers, should have {len(expected)}")
        same = (found.view(np.int64) == expected.view(np.int64)) | (np.isnan(found) & np.isnan(expected))
        if not same.all():
            first = int(np.argmin(same))
            raise Mismatch(f"{where}: {name}[{first}] is {float(found[first])!r}, should be {float(expected[first])!r}")
        self.agreed += len(expected)

    def estimate(self, where, name, estimate, padding=None, **position):
        """A mean, its standard error, and the plain average where it differs from the mean."""
        self.row(where, name, estimate["mean"], padding, **position)
        if estimate.get("standard_error") is not None:
            self.row(where, f"{name}_standard_error", estimate["standard_error"], padding, **position)
        for part in ("mean", "standard_error"):
            plain = estimate.get(f"plain_{part}")
            if plain is not None and (f"{name}_plain_{part}" in self.data or plain != estimate.get(part)):
                self.row(where, f"{name}_plain_{part}", plain, padding, **position)

    def point(self, index, point):
        """Everything that summary.json holds of one sweep point."""
        where, at = f"point {index}", {"point": index}
        if "times" in self.data:
            self.row(where, "times", point["times"], **at)
        elif point["times"]:
            self.row(where, "time", point["times"])
        for name, estimate in point["observables"].items():
            if estimate["mean"]:
                self.estimate(where, name, estimate, **at)
        if point["fock_distribution"]["mean"]:
            self.estimate(where, "fock_distribution", point["fock_distribution"], 0.0, **at)
        for name, curve in point["closed_forms"].items():
            if curve:
                self.row(where, f"closed_form_{name}", curve, **at)
        for channel, jumps in point["jumps"].items():
            cell = {**at, "channel": self.data["channel"].values.tolist().index(channel)}
            self.row(where, "jumps", jumps["mean"], **cell)
            if jumps.get("standard_error") is not None:
                self.row(where, "jumps_standard_error", jumps["standard_error"], **cell)
        rate = point["heating_rate"]
        self.row(where, "heating_rate", rate["value"], **at)
        for part in ("standard_error", "plain_value", "plain_standard_error", "paper", "quantum_noise"):
            self.row(where, f"heating_rate_{part}", rate.get(part), **at)
        self.row(where, "heating_rate_window_start", rate["window"][0], **at)
        self.row(where, "heating_rate_window_end", rate["window"][1], **at)
        self.row(where, "trajectories", point["trajectories"], **at)
        for name, value in point["diagnostics"].items():
            self.row(where, f"diagnostics_{name}", value, **at)
        self.parameters(where, at, point["parameters"])

    def parameters(self, where, at, parameters):
        """The swept keys: numbers, or JSON text."""
        named = {v.attrs["run_file_key"]: v for v in self.data.variables.values() if "run_file_key" in v.attrs}
        for key, value in parameters.items():
            found = named[key].isel(**at).values.item() if key in named else None
            if (json.loads(found) if isinstance(found, str) else found) != value:
                raise Mismatch(f"{where}: {key} is {found!r}, should be {value!r}")
            self.agreed += 1


def main(directory):
    try:
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        data = xarray.open_dataset(directory / "result.nc").load()
    except (OSError, ValueError) as error:
        print(f"{directory}: {error}", file=sys.stderr)
        return 2
    comparison = Comparison(data)
    try:
        for name in ("title", "run_file", "run_file_hash", "program", "method"):
            if data.attrs.get(name) != summary["provenance"][name]:
                raise Mismatch(f"attribute {name} is {data.attrs.get(name)!r}")
        if int(data.attrs["seed"]) != summary["provenance"]["seed"]:
            raise Mismatch(f"attribute seed is {data.attrs['seed']}")
        for index, point in enumerate(summary["points"]):
            comparison.point(index, point)
        for index, ending in enumerate(summary["provenance"].get("endings", [])):
            comparison.row(f"point {index}", "looks", ending["looks"], point=index)
            found = data["stopped"].values[index]
            found = found.decode() if isinstance(found, bytes) else str(found)
            if found != ending["stopped"]:
                raise Mismatch(f"point {index}: stopped is {found!r}, should be {ending['stopped']!r}")
    except (Mismatch, KeyError, ValueError, IndexError) as mismatch:
        print(f"{directory}: result.nc and summary.json differ: {mismatch}")
        return 1
    points = len(summary["points"])
    print(f"{directory}: result.nc holds all {comparison.agreed} numbers of summary.json ({points} points)")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
