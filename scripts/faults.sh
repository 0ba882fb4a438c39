#!/usr/bin/env bash
# What scripts/check.sh leaves out because it installs software: fuzzing, a cluster with faults, MPI ranks with faults. Installs with
# apt-get (as root, or with sudo) and cargo install; what is not there and cannot be installed is skipped, and said.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
slurm=
trap '[ -z "$slurm" ] || wait "$slurm" || true; rm -rf "$work"' EXIT

step() { printf '\n== %s\n' "$*"; }
has() { # COMMAND INSTALLER: whether it is there, in the end
  command -v "$1" >/dev/null && return
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; } && "$2" && command -v "$1" >/dev/null
}

# It mostly waits: beside the rest. The rest builds another program in the place of this one.
if [ "$(id -u)" = 0 ] && has slurmctld scripts/slurm/install.sh; then
  cargo build --release --quiet
  cp target/release/fluctuator "$work/"
  FLUCTUATOR=$work/fluctuator scripts/slurm/demo.sh >"$work/slurm.txt" 2>&1 &
  slurm=$!
fi

step "fuzzing: run files and stored blocks, 20 s each"
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
tests/fuzz/run.sh 20

step "MPI: 1, 2, 3 ranks, killed and signalled"
if has mpirun scripts/mpi/install.sh; then
  # The bits of a result do not depend on the number of units, and more of them build faster.
  cargo build --release --quiet --features mpi --config 'profile.release.package.fluctuator.codegen-units=16'
  FLUCTUATOR=$PWD/target/release/fluctuator scripts/mpi/demo.sh
else
  echo "skipped: needs Open MPI (scripts/mpi/install.sh)"
fi

step "Slurm: requeue, signal, preemption, time limit, power cut, a node that is only unreachable, waves"
if [ -n "$slurm" ]; then
  code=0
  wait "$slurm" || code=$?
  cat "$work/slurm.txt"
  [ "$code" = 0 ] || exit "$code"
else
  echo "skipped: needs Slurm (scripts/slurm/install.sh) and root"
fi

step "no fault was too much"
