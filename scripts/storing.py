#!/usr/bin/env python3
"""What storing blocks costs: the time of a run with its default settings over that with --no-blocks.

Both run at once, with one thread each, on a core of their own, and change cores from pair to pair: what else the machine does
hits both. Prints the mean ratio of all pairs with its standard error. Linux, two cores, nothing to install:

    scripts/storing.py [--pairs 20] [--fluctuator PROGRAM] [RUN.toml OPTIONS …]
"""
import argparse
import concurrent.futures
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Some ten seconds of Fig. 3(a) at n̄ = 1.
RUN = [str(ROOT / "runs/fig3a.toml"), "--set", "sweep.model.spins.0.bath.nbar=[1.0]", "--set", "output.exact=false",
       "--trajectories", "16384"]


def timed(command, core):
    """Processor and wall time of a command on one core, in seconds."""
    begun = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", str(core), *command])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {command}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fluctuator", default=str(ROOT / "target/release/fluctuator"))
    parser.add_argument("--pairs", type=int, default=20)
    arguments, run = parser.parse_known_args()
    costs = {"processor time": [], "wall time": []}
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(2) as pool:
        command = [arguments.fluctuator, "run", *(run or RUN), "--quiet", "--threads", "1", "--restart", "--out"]
        for number in range(arguments.pairs):
            core = number % 2
            stored = pool.submit(timed, [*command, f"{directory}/stored"], core)
            plain = pool.submit(timed, [*command, f"{directory}/plain", "--no-blocks"], 1 - core)
            stored, plain = stored.result(), plain.result()
            for cost, with_blocks, without in zip(costs.values(), stored, plain):
                cost.append(100 * (with_blocks / without - 1))
            print(f"pair {number + 1}: {stored[0]:.2f} s with blocks, {plain[0]:.2f} s without", flush=True)
    for what, cost in costs.items():
        error = statistics.stdev(cost) / math.sqrt(len(cost))
        print(f"storing blocks costs {statistics.mean(cost):+.2f} ± {error:.2f} % of the {what}")


if __name__ == "__main__":
    main()
