"""Runs fluctuator and QuTiP's mcsolve side by side on Eq. (35) with the parameters of Fig. 3, one core each.

For every case the two engines take turns, a batch of trajectories at a time, so that both see the same state of the
machine. Printed are seconds per trajectory (median, least and most over the rounds), the median of the rounds' ratios,
and ⟨N⟩(10) of both with the difference in standard errors; then the time to a standard error of 0.1 % at γ = 10, n̄ = 1,
and what fluctuator's control variates cost and gain. Start it with scripts/peers/compare.sh, which prepares QuTiP and
builds fluctuator.

Exit code: 0, or 1 if the two disagree on ⟨N⟩(10) by more than five standard errors, or if a run that stopped at 0.1 %
lies more than five of its own from the density matrix. No timing is a condition.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import ACCURACY_CASE, CASES, CONTROL_CASES, QUICK_CASES, Case

if TYPE_CHECKING:
    from accuracy import Accuracy
    from batches import Batch
    from controls import Controls
    from fluctuator_engine import FluctuatorEngine
    from qutip_engine import QutipEngine
    from report import Comparison

LARGEST_Z = 5.0
PILOT_TRAJECTORIES = 64


def main() -> int:
    """The command line."""
    options = parse_arguments()
    # After --help, which must not need QuTiP.
    from controls import print_controls
    from report import print_table

    pin(options.core)
    cases = QUICK_CASES if options.quick else CASES
    # One sequence for all: with the same seed mcsolve draws nearly the same jumps whatever the cutoff.
    seeds = itertools.count(options.seed)
    comparisons = [compare(case, options, seeds) for case in cases]
    print_table(comparisons)
    accuracy = compare_accuracy(comparisons, options, seeds)
    accuracy.print()
    controls = [weigh_controls(case, options, seeds) for case in CONTROL_CASES]
    print_controls(controls)
    write_json(options, comparisons, accuracy, controls)
    return verdict(comparisons, accuracy)


def parse_arguments() -> argparse.Namespace:
    """Reads and checks the options."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="compare.sh", description=description, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only the cases with 60 levels, and one round")
    parser.add_argument("--rounds", type=positive_integer, metavar="N", help="batches of either engine [3; --quick: 1]")
    parser.add_argument(
        "--budget",
        type=positive_number,
        default=3.0,
        metavar="SECONDS",
        help="length of a batch [%(default)s]; a trajectory that takes longer is a batch of its own",
    )
    parser.add_argument(
        "--seed",
        type=positive_integer,
        default=1,
        metavar="N",
        help="first seed; every round takes the next [%(default)s]",
    )
    parser.add_argument("--core", type=int, metavar="N", help="run both on this core [any core]")
    parser.add_argument(
        "--out", type=Path, default=Path("out/peers"), metavar="DIR", help="where peers.json goes [%(default)s]"
    )
    program = Path("target/release/fluctuator")
    parser.add_argument("--fluctuator", type=Path, default=program, metavar="PATH", help="the program [%(default)s]")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 1 if options.quick else 3
    return options


def positive_integer(text: str) -> int:
    """An integer ≥ 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return value


def positive_number(text: str) -> float:
    """A finite number > 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be > 0")
    return value


def pin(core: int | None) -> None:
    """Keeps this process and its children on one core, where the system can."""
    if core is not None:
        if not hasattr(os, "sched_setaffinity"):
            raise SystemExit("--core: this system cannot pin a process to a core")
        try:
            os.sched_setaffinity(0, {core})
        except OSError as error:
            raise SystemExit(f"--core {core}: {error.strerror}") from error


def compare(case: Case, options: argparse.Namespace, seeds: Iterator[int]) -> Comparison:
    """Runs a case with the first options of mcsolve that get through all rounds."""
    from qutip_engine import REMEDIES, CollapseNotFound

    for remedy in REMEDIES:
        try:
            return compare_with(case, remedy, options, seeds)
        except CollapseNotFound:
            say(f"{case.label}: mcsolve did not find a collapse time with {remedy or 'its default options'}")
    raise SystemExit(f"{case.label}: mcsolve fails with all options tried")


def compare_with(
    case: Case, remedy: dict[str, float], options: argparse.Namespace, seeds: Iterator[int]
) -> Comparison:
    """Runs a case: pilots that warm both engines up and set the size of a batch, then the rounds."""
    from fluctuator_engine import PLAIN, FluctuatorEngine
    from qutip_engine import QutipEngine
    from report import Comparison

    # Trajectory against trajectory: without control variates, which QuTiP does not have.
    qutip, fluctuator = QutipEngine(case, remedy), FluctuatorEngine(options.fluctuator, case, PLAIN)
    seed = next(seeds)
    pilots = qutip.run(1, seed), fluctuator.run(PILOT_TRAJECTORIES, seed)
    sizes = [batch_size(pilot, options.budget) for pilot in pilots]
    comparison = Comparison(case, [], [], remedy, qutip.options, fluctuator.settings)
    for index in range(options.rounds):
        say(f"{case.label}: round {index + 1}/{options.rounds}, {sizes[0]} and {sizes[1]} trajectories")
        seed = next(seeds)
        turns: list[tuple[QutipEngine | FluctuatorEngine, int, list[Batch]]] = [
            (qutip, sizes[0], comparison.qutip),
            (fluctuator, max(sizes[1], PILOT_TRAJECTORIES), comparison.fluctuator),
        ]
        # Neither engine is always the first.
        for engine, size, batches in turns if index % 2 == 0 else reversed(turns):
            batches.append(engine.run(size, seed))
    return comparison


def compare_accuracy(
    comparisons: list[Comparison], options: argparse.Namespace, seeds: Iterator[int]
) -> Accuracy:
    """Both engines on the way to a small error, in turns: fluctuator arrives, QuTiP is extrapolated."""
    from accuracy import SEEDS_PER_ROUND, Accuracy, target
    from fluctuator_engine import FluctuatorEngine
    from qutip_engine import QutipEngine

    same = next(comparison for comparison in comparisons if comparison.case == ACCURACY_CASE)
    qutip = QutipEngine(ACCURACY_CASE, same.remedy)
    fluctuator = FluctuatorEngine(options.fluctuator, ACCURACY_CASE, target())
    size = batch_size(qutip.run(1, next(seeds)), options.budget)
    accuracy = Accuracy(ACCURACY_CASE, fluctuator.exact().mean, qutip.values, [], [], same, fluctuator.settings)
    for index in range(options.rounds):
        say(f"{ACCURACY_CASE.label}, to a small error: round {index + 1}/{options.rounds}")
        for engine in ["qutip", "fluctuator"] if index % 2 == 0 else ["fluctuator", "qutip"]:
            if engine == "qutip":
                accuracy.qutip.append(qutip.run(size, next(seeds)))
            else:
                accuracy.fluctuator.append([fluctuator.outcome(next(seeds)) for _ in range(SEEDS_PER_ROUND)])
    return accuracy


def weigh_controls(case: Case, options: argparse.Namespace, seeds: Iterator[int]) -> Controls:
    """The same number of trajectories without and with control variates, in turns."""
    from controls import Controls
    from fluctuator_engine import CONTROLLED, PLAIN, FluctuatorEngine

    plain, controlled = (FluctuatorEngine(options.fluctuator, case, ensemble) for ensemble in (PLAIN, CONTROLLED))
    size = max(batch_size(plain.run(PILOT_TRAJECTORIES, next(seeds)), options.budget), PILOT_TRAJECTORIES)
    controls = Controls(case, [], [])
    for index in range(options.rounds):
        say(f"{case.label}, control variates: round {index + 1}/{options.rounds}, {size} trajectories")
        seed = next(seeds)
        turns = [(plain, controls.plain), (controlled, controls.controlled)]
        for engine, outcomes in turns if index % 2 == 0 else reversed(turns):
            outcomes.append(engine.outcome(seed, size))
    return controls


def batch_size(pilot: Batch, budget: float) -> int:
    """Trajectories that fit into the budget; at least one."""
    return max(1, round(budget / pilot.seconds_per_trajectory))


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def write_json(
    options: argparse.Namespace, comparisons: list[Comparison], accuracy: Accuracy, controls: list[Controls]
) -> None:
    """Writes peers.json."""
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "peers.json"
    content = {
        **circumstances(options),
        "cases": [comparison.as_json() for comparison in comparisons],
        "time_to_accuracy": accuracy.as_json(),
        "control_variates": [case.as_json() for case in controls],
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"all numbers in {path}")


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """When, where and with what the numbers were made."""
    import numpy
    import qutip
    import scipy

    version = subprocess.run([options.fluctuator, "--version"], capture_output=True, text=True, check=True)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "versions": {
            "fluctuator": version.stdout.strip().removeprefix("fluctuator "),
            "qutip": qutip.__version__,
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "python": platform.python_version(),
        },
        "options": {
            "quick": options.quick,
            "rounds": options.rounds,
            "budget_seconds": options.budget,
            "seed": options.seed,
            "core": options.core,
        },
    }


def cpu_model() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def verdict(comparisons: list[Comparison], accuracy: Accuracy) -> int:
    """Exit code: do the engines agree on the physics, and with the density matrix where they claim to be accurate?"""
    # Negated, so that a NaN counts as disagreement.
    apart = [comparison for comparison in comparisons if not abs(comparison.z) <= LARGEST_Z]
    for comparison in apart:
        say(f"DISAGREE: {comparison.case.label}: z = {comparison.z:.2f}")
    if not apart:
        print(f"the engines agree on ⟨N⟩(10) within {LARGEST_Z:g} standard errors")
    accurate = abs(accuracy.worst_z) <= LARGEST_Z
    if not accurate:
        say(f"NOT ACCURATE: {accuracy.case.label}: a stopped run is {accuracy.worst_z:.2f} of its errors from exact")
    return 0 if accurate and not apart else 1


if __name__ == "__main__":
    sys.exit(main())
