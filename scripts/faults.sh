#!/usr/bin/env bash
# What scripts/check.sh leaves out because it installs software: fuzzing, a cluster with faults, MPI ranks with faults. Installs with
# apt-get (as root, or with sudo) and cargo install; where there is no apt-get, only what is there already is used.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
can_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; }

step "fuzzing: the run file and stored blocks, 30 s each"
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
tests/fuzz/run.sh 30

step "Slurm: requeue, signals, preemption, power cut, a node that is only unreachable, waves"
if ! command -v slurmctld >/dev/null && can_install; then scripts/slurm/install.sh; fi
if command -v slurmctld >/dev/null && [ "$(id -u)" = 0 ]; then
  cargo build --release --quiet
  scripts/slurm/demo.sh
else
  echo "skipped: needs Slurm (scripts/slurm/install.sh) and root"
fi

step "MPI: 1, 2, 3 ranks, killed and signalled"
if ! command -v mpirun >/dev/null && can_install; then scripts/mpi/install.sh; fi
if command -v mpirun >/dev/null; then
  # The bits of a result don't depend on it, and it builds in half the time.
  cargo build --release --features mpi --config 'profile.release.package.fluctuator.codegen-units=16'
  FLUCTUATOR=$PWD/target/release/fluctuator scripts/mpi/demo.sh
else
  echo "skipped: needs Open MPI (scripts/mpi/install.sh)"
fi

step "no fault was too much"
