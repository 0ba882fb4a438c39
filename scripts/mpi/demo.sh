#!/usr/bin/env bash
# One run on 1, 2 and 3 MPI ranks, undisturbed, killed and signalled in the middle, against one process, to the byte.
# Needs what install.sh installs (Open MPI); builds the program with the feature `mpi` unless FLUCTUATOR names one. Takes a minute.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${FLUCTUATOR:-}" ]; then
  cargo build --release --features mpi
  FLUCTUATOR=$PWD/target/release/fluctuator
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d "${TMPDIR:-/tmp}/mpi-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

model='version = 1
title = "One run on several ranks"
[model]
kind = "oscillator-spins"
frequency = 1.0
[[model.spins]]
tunnelling = 2.0
coupling = 1.0
bath = { gamma = 10.0, nbar = 1.0 }
[time]
end = 10.0
points = 11
[output]
correlations = { max_delay = 2.0, bins = 20 }
[sweep]
"model.frequency" = [1.0, 1.5]
[ensemble]'
echo "$model
trajectories = 6000" >number.toml
echo "$model
target = { observable = \"number\", standard_error = 0.02 }
estimator = \"plain\"" >target.toml

run="$FLUCTUATOR run --quiet --store-every 0.05"
ranks() { # RANKS ARGUMENTS …
  local count=$1
  shift
  mpirun --oversubscribe --bind-to none -n "$count" $run --mpi --threads 1 "$@" 2>>"$work/messages.txt"
}
points() { sed -n '/^  "points": /,$p' "$1/summary.json"; }
same() { [ -n "$(points "$1")" ] && cmp -s <(points "$1") <(points "$2"); } # nothing is not the same as nothing
failed=0
row() { printf '%-30s %5s  %12s  %13s  %s\n' "$@"; }
judge() { # WHAT RANKS STORED OUT LIKE
  local verdict=identical counts
  if ! same "$4" "$5"; then verdict=DIFFERENT failed=1; fi
  counts=$(sed -n 's/^      "trajectories": \([0-9]*\),$/\1/p' "$4/summary.json" | paste -sd+)
  row "$1" "$2" "$3" "$counts" "$verdict"
}
sound() { # OUT: whatever a death left there can be read, checksums and all
  "$FLUCTUATOR" status "$1" --verify >/dev/null || { failed=1 && echo "$1: blocks are damaged"; }
}
trajectories_stored() { "$FLUCTUATOR" status "$1" 2>/dev/null | sed -n 's/.*: \([0-9]*\) of [0-9]* trajectories.*/\1/p' | paste -sd+; }

row "what happens" ranks "stored then" trajectories result
for kind in number target; do
  $run $kind.toml --out $kind
  for count in 1 2 3; do
    ranks $count $kind.toml --out $kind-$count
    judge "$kind" $count "" $kind-$count $kind
  done
done

# Starts three ranks in the background and waits until something is stored; the process of rank R is then in pid[R].
begin() {
  out=$1
  ranks 3 number.toml --out "$out" &
  job=$!
  for _ in $(seq 200); do
    compgen -G "$out/blocks/point-*/*.blocks" >/dev/null && break
    sleep 0.05
  done
  sleep 0.3
  mpirun=$(pgrep -P $job -x mpirun || echo $job)
  pid=()
  for child in $(pgrep -P "$mpirun"); do
    pid[$(tr '\0' '\n' <"/proc/$child/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p')]=$child
  done
}
for victim in 0 1 2; do
  begin killed-$victim
  kill -KILL "${pid[$victim]}"
  wait $job && failed=1 && echo "the run did not notice"
  sound killed-$victim
  stored=$(trajectories_stored killed-$victim)
  ranks 2 number.toml --out killed-$victim --resume
  judge "KILL of rank $victim, --resume" "3, 2" "$stored" killed-$victim number
done
begin alone
kill -KILL "${pid[1]}"
wait $job || true
sound alone
stored=$(trajectories_stored alone)
$run number.toml --out alone --resume
judge "KILL, --resume in one process" "3, 1" "$stored" alone number
for signal in USR1 TERM; do
  begin $signal
  kill -$signal "$mpirun"
  code=0
  wait $job || code=$?
  sound $signal
  stored=$(trajectories_stored $signal)
  ranks 3 number.toml --out $signal --resume
  judge "$signal to mpirun ($code), --resume" "3, 3" "$stored" $signal number
done
code=0
ranks 3 number.toml --out limit --time-limit 0.3 || code=$?
[ $code = 3 ] || { failed=1 && echo "exit code $code instead of 3"; }
sound limit
stored=$(trajectories_stored limit)
ranks 2 number.toml --out limit --resume
judge "--time-limit, --resume" "3, 2" "$stored" limit number
code=0
ranks 3 number.toml --out number --resume --seed 2 || code=$?
[ $code = 2 ] && grep -q 'belongs to another run: `ensemble.seed`' messages.txt || { failed=1 && echo "another run was not refused"; }
exit $failed
