#!/usr/bin/env python3
"""Two builds of the program in turns on the same runs: how much longer the second takes, and whether it finds the same.

    scripts/turns.py OLD NEW [--turns 7] [--only chain]

Each run is made with one thread and one seed by both programs in turns, so that what else the machine does falls on both. Given are
the least processor seconds of each, the median of the ratios of neighbours with half the distance of its quartiles, and the largest
relative difference of any mean.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

SPIN = "{{ tunnelling = {0}, coupling = {1}, bath = {{ gamma = {2}, nbar = {3} }} }}"


def spins(count, gamma=1.0):
    """So many spins, all different."""
    return ", ".join(SPIN.format(1.0 + 0.1 * i, 0.5 / (i + 1), gamma, 0.1 * (i % 3)) for i in range(count))


# Name: spins, the oscillator's initial state, end, trajectories, estimator.
CASES = {
    "chain, plain": (SPIN.format(2.0, 1.0, 10.0, 0.0), "{ fock = 0 }", 10.0, 8192, "plain"),
    "chain, plain, warm": (SPIN.format(2.0, 1.0, 10.0, 1.0), "{ fock = 0 }", 10.0, 4096, "plain"),
    "chain, controlled": (SPIN.format(2.0, 1.0, 10.0, 0.0), "{ fock = 0 }", 10.0, 8192, "controlled"),
    "chain, controlled, warm": (SPIN.format(2.0, 1.0, 10.0, 1.0), "{ fock = 0 }", 10.0, 4096, "controlled"),
    "one spin, asymmetric": ("{ asymmetry = 0.5, " + SPIN.format(2.0, 1.0, 2.0, 0.2)[2:], "{ fock = 0 }", 5.0, 1024, "plain"),
    "2 spins": (spins(2), "{ fock = 0 }", 5.0, 2048, "plain"),
    "4 spins": (spins(4), "{ fock = 0 }", 5.0, 512, "plain"),
    "8 spins": (spins(8), "{ fock = 0 }", 2.0, 64, "plain"),
    "12 spins": (spins(12), "{ fock = 0 }", 0.3, 4, "plain"),
    "16 spins": (spins(16), "{ fock = 0 }", 0.05, 2, "plain"),
    "moving frame": (spins(1), "{ coherent = [30.0, 0.0] }", 5.0, 2048, "plain"),
    "coherent, 2 spins": (spins(2), "{ coherent = [3.0, 1.0] }", 5.0, 256, "plain"),
}


def run_file(case):
    """The text of a run file."""
    spin, initial, end, trajectories, estimator = case
    return f"""version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{spin}]
[initial]
oscillator = {initial}
[time]
end = {end}
points = 101
[ensemble]
trajectories = {trajectories}
estimator = "{estimator}"
[output]
observables = ["number", "number_squared", "inversion"]
"""


def once(program, path, out):
    """Processor seconds of one run and its means."""
    before = os.times()
    subprocess.run([program, "run", path, "--out", out, "--threads", "1", "--quiet", "--force"], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    point = json.loads((Path(out) / "summary.json").read_text())["points"][0]
    return used, {name: curve["mean"] for name, curve in point["observables"].items()}


def difference(one, other):
    """The largest relative difference of any mean."""
    pairs = ((a, b) for name in one for a, b in zip(one[name], other[name]) if a is not None and b is not None)
    return max(abs(a - b) / (1 + abs(a)) for a, b in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="the one program")
    parser.add_argument("new", help="the other program")
    parser.add_argument("--turns", type=int, default=7, help="how often each run is made by each (default 7)")
    parser.add_argument("--only", default="", help="only runs with this in their name")
    arguments = parser.parse_args()
    print(f"{'run':28}{'old / s':>9}{'new / s':>9}{'new/old':>9}{'±':>7}{'largest difference':>22}")
    with tempfile.TemporaryDirectory() as place:
        for name, case in CASES.items():
            if arguments.only not in name:
                continue
            path = Path(place) / "run.toml"
            path.write_text(run_file(case))
            times, found = {"old": [], "new": []}, {}
            for _ in range(arguments.turns):
                for which in times:
                    used, found[which] = once(getattr(arguments, which), path, Path(place) / which)
                    times[which].append(used)
            ratios = [new / old for old, new in zip(times["old"], times["new"])]
            low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
            print(
                f"{name:28}{min(times['old']):9.2f}{min(times['new']):9.2f}{middle:9.3f}{(high - low) / 2:7.3f}"
                f"{difference(found['old'], found['new']):22.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
