#!/usr/bin/env python3
"""Checks that DIR/result.nc, opened by xarray, holds the numbers of DIR/summary.json bit for bit, and that DIR/records.nc,
if there is one, has the trajectories and jumps that summary.json counts.

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
        self.emission(where, at, point.get("emission", {}))
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

    def emission(self, where, at, emission):
        """Waiting times and g² of every kind of jump."""
        for kind, seen in emission.items():
            cell = {**at, "emission": self.data["emission"].values.tolist().index(kind)}
            if "delays" in self.data:
                self.row(where, "delays", seen["delays"], **at)
            else:
                self.row(where, "delay", seen["delays"])
            for name in ("g2", "g2_standard_error", "waiting_time", "waiting_time_standard_error"):
                if name in seen:
                    self.row(where, name, seen[name], **cell)
            self.row(where, "emission_rate", seen["rate"]["mean"], **cell)
            self.row(where, "emission_rate_standard_error", seen["rate"].get("standard_error"), **cell)
            self.row(where, "emission_window_start", seen["window"][0], **cell)
            self.row(where, "emission_window_end", seen["window"][1], **cell)
            self.row(where, "emission_groups", seen["groups"], **cell)

    def parameters(self, where, at, parameters):
        """The swept keys: numbers, or JSON text."""
        named = {v.attrs["run_file_key"]: v for v in self.data.variables.values() if "run_file_key" in v.attrs}
        for key, value in parameters.items():
            found = named[key].isel(**at).values.item() if key in named else None
            if (json.loads(found) if isinstance(found, str) else found) != value:
                raise Mismatch(f"{where}: {key} is {found!r}, should be {value!r}")
            self.agreed += 1


def check_records(records, summary):
    """Counts, order and weights of records.nc; returns the number of trajectories and jumps."""
    point = records["trajectory_point"].values
    for index, expected in enumerate(summary["points"]):
        number = records["trajectory_number"].values[point == index]
        if not np.array_equal(number, np.arange(expected["trajectories"])):
            raise Mismatch(f"records.nc: point {index} does not have trajectories 0 to {expected['trajectories'] - 1}")
    last = [name for name in records if name.startswith("final_")]
    for index, expected in enumerate(summary["points"]):
        weight = records["weight"].values[point == index]
        means = {name: expected["observables"].get(name.removeprefix("final_"), {}).get("plain_mean") for name in last}
        means = {name: mean[-1] for name, mean in means.items() if mean}
        if "heating_rate" in records:
            means["heating_rate"] = expected["heating_rate"]["plain_value"]
        for name, mean in means.items():
            found = np.average(records[name].values[point == index], weights=weight)
            if not np.isclose(found, mean, rtol=1e-9, atol=1e-12):
                raise Mismatch(f"records.nc: the mean of {name} at point {index} is {found!r}, should be {mean!r}")
    if "jump_time" not in records:
        return len(point), 0
    row, time = records["jump_trajectory"].values, records["jump_time"].values
    if not np.array_equal(row, np.repeat(np.arange(len(point)), records["jump_count"].values)):
        raise Mismatch("records.nc: jumps are not in the order of the trajectories")
    if (np.diff(time)[np.diff(row) == 0] < 0).any():
        raise Mismatch("records.nc: jumps of a trajectory are not in the order of time")
    if not np.array_equal(records["jump_point"].values, point[row]):
        raise Mismatch("records.nc: jump_point is not the point of the jump's trajectory")
    name = records["channel"].values[records["jump_channel"].values] if len(row) else np.array([])
    for index, expected in enumerate(summary["points"]):
        for channel, jumps in expected["jumps"].items():
            found = int(((name == channel) & (point[row] == index)).sum())
            if round(jumps["mean"] * expected["trajectories"]) != found:
                raise Mismatch(f"records.nc: {found} jumps of {channel} at point {index}, not as summary.json says")
    return len(point), len(row)


def main(directory):
    try:
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        data = xarray.open_dataset(directory / "result.nc").load()
        found = (directory / "records.nc").exists()
        records = xarray.open_dataset(directory / "records.nc").load() if found else None
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
        if records is not None:
            trajectories, jumps = check_records(records, summary)
    except (Mismatch, KeyError, ValueError, IndexError) as mismatch:
        print(f"{directory}: the files and summary.json differ: {mismatch}")
        return 1
    points = len(summary["points"])
    print(f"{directory}: result.nc holds all {comparison.agreed} numbers of summary.json ({points} points)")
    if records is not None:
        print(f"{directory}: records.nc holds its {trajectories} trajectories and {jumps} jumps, in order")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
