#!/usr/bin/env bash
# Slurm does its worst to a run on two emulated nodes, and the merged result is compared with an undisturbed one, to the byte.
# As root; needs: apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge. Takes a few minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export FLUCTUATOR=${FLUCTUATOR:-$here/../../target/release/fluctuator}
work=$(mktemp -d "${TMPDIR:-/tmp}/slurm-demo.XXXXXX")
chmod 755 "$work"
export ROOT=$work/cluster SLURM_CONF=$work/cluster/slurm.conf
mkdir -p "$ROOT"
trap '"$here/cluster/down.sh"; rm -rf "$work"' EXIT
"$here/cluster/up.sh"

cat >"$work/run.toml" <<'TOML'
version = 1
title = "Four shards on two nodes"
[model]
kind = "oscillator-spins"
frequency = 1.0
[[model.spins]]
tunnelling = 2.0
coupling = 1.0
bath = { gamma = 10.0, nbar = 5.0 }
[time]
end = 10.0
points = 11
[ensemble]
trajectories = 12288
TOML
each=3072 # trajectories of a shard: some seconds on one core, so that a fault finds it at work
"$FLUCTUATOR" run "$work/run.toml" --quiet --out "$work/whole"
# The same until it is accurate enough: more than one wave of 1024 trajectories, and not all that are allowed.
sed 's/^trajectories = .*/target = { observable = "number", standard_error = 1.6e-5, max_trajectories = 16384 }/' \
  "$work/run.toml" >"$work/target.toml"
"$FLUCTUATOR" run "$work/target.toml" --quiet --out "$work/target"
points() { sed -n '/^  "points": /,$p' "$1/summary.json"; }
same() { [ -n "$(points "$1")" ] && cmp -s <(points "$1") <(points "$2"); } # nothing is not the same as nothing

# The job id of task $1 of the array that runs, once it has stored something.
task() {
  for _ in $(seq 300); do
    job=$(squeue -h -t R -o '%A %i' | awk -v task="_$1" 'index($2, task) { print $1 }')
    if [ -n "$job" ] && compgen -G "$OUT/blocks/point-0000/trajectories-$(($1 * each))-*.blocks" >/dev/null; then
      echo "$job"
      return
    fi
    sleep 0.1
  done
  echo "task $1 does not run" >&2
  return 1
}

requeue() { scontrol requeue "$(task 0)"; }
signal() { scancel --batch --signal=USR1 "$(task 1)"; }
power_cut() {
  task 3 >/dev/null || return
  "$here/cluster/kill-node.sh" n2
  sleep 2
  slurmd -f "$SLURM_CONF" -N n2
}
preemption() {
  task 0 >/dev/null || return
  sbatch --partition=urgent --nodes=2 --ntasks-per-node=1 --cpus-per-task=2 --mem=100 --output=/dev/null --wrap 'sleep 3' >/dev/null
}
# The processes of task $1.
writers() {
  for process in $(pgrep -x "$(basename "$FLUCTUATOR")" || true); do
    if tr '\0' '\n' 2>/dev/null <"/proc/$process/environ" | grep -qx "SLURM_ARRAY_TASK_ID=$1"; then echo "$process"; fi
  done
}
# A task that needs longer than its time limit of a minute, here because it sleeps until Slurm warns it. Slurm starts no task again
# that has reached its limit: it must have asked for it itself.
time_limit() {
  task 0 >/dev/null || return
  old=$(writers 0)
  if [ -z "$old" ]; then echo "task 0 has ended already" && return 1; fi
  kill -STOP "$old"
  for _ in $(seq 900); do
    # USR1 is signal 10, and whoever sends it may wake the task as well.
    pending=$(awk '$1 == "ShdPnd:" { print $2 }' "/proc/$old/status" 2>/dev/null || echo 200)
    if [ $((0x$pending >> 9 & 1)) = 1 ]; then break; fi
    sleep 0.1
  done
  kill -CONT "$old" 2>/dev/null || true
}
# The node is unreachable: its daemon is gone, its task lives on, here asleep, and goes on when Slurm (after 28 s) has long started it
# again elsewhere. One task, two writers.
zombie() {
  task 3 >/dev/null || return
  old=$(writers 3)
  if [ -z "$old" ]; then echo "task 3 has ended already" && return 1; fi
  kill -STOP "$old"
  kill -KILL "$(cat "$ROOT/run/slurmd.n2.pid")"
  new=
  for _ in $(seq 900); do
    new=$(writers 3 | grep -vx "$old" || true)
    if [ -n "$new" ]; then break; fi
    sleep 0.1
  done
  kill -CONT "$old"
  if [ -z "$new" ]; then echo "no second writer" && return 1; fi
  for _ in $(seq 600); do
    if ! kill -0 "$old" 2>/dev/null; then return; fi
    sleep 0.1
  done
}
nothing() { :; }

restarts_so_far() { scontrol show job | awk 'match($0, /Restarts=[0-9]+/) { sum += substr($0, RSTART + 9, RLENGTH - 9) } END { print sum + 0 }'; }

failed=0
for fault in nothing requeue signal preemption time_limit power_cut zombie; do
  export OUT=$work/$fault before=$(restarts_so_far)
  limit=()
  if [ "$fault" = time_limit ]; then limit=(--time=1 --signal=B:USR1@50); fi
  "$here/submit.sh" "$work/run.toml" 4 --cpus-per-task=1 --mem=100 "${limit[@]}" >/dev/null
  "$fault" >"$work/$fault.txt" 2>&1 || { cat "$work/$fault.txt" && failed=1; }
  for _ in $(seq 240); do
    if [ -z "$(squeue -h)" ]; then break; fi
    sleep 1
  done
  restarts=$(($(restarts_so_far) - before))
  if [ "$fault" != nothing ] && [ "$restarts" = 0 ]; then echo "$fault: Slurm has started nothing again" && failed=1; fi
  if same "$work/whole" "$OUT"; then verdict=identical; else verdict=DIFFERENT failed=1; fi
  files=$(find "$OUT/blocks" -name '*.blocks' | wc -l)
  printf '%-12s %s  (tasks started again by Slurm: %s, files of blocks: %s)\n' "$fault" "$verdict" "$restarts" "$files"
done

if [ -s "$ROOT/run/slurmd.n2.pid" ]; then slurmd -f "$SLURM_CONF" -N n2 2>/dev/null || true; fi
export OUT=$work/waves WAVE=1024
"$here/submit.sh" "$work/target.toml" 4 --cpus-per-task=1 --mem=100 >/dev/null
for _ in $(seq 240); do
  if [ -s "$OUT/summary.json" ] && [ -z "$(squeue -h)" ]; then break; fi
  sleep 1
done
if same "$work/target" "$OUT"; then verdict=identical; else verdict=DIFFERENT failed=1; fi
counted=$(sed -n 's/^      "trajectories": \([0-9]*\),$/\1/p' "$OUT/summary.json")
waves=$(($(grep -c 'needs more trajectories' "$OUT/log/merge.txt") + 1))
if [ "$waves" -lt 2 ]; then echo "one wave was enough: no test of the next" && failed=1; fi
printf '%-12s %s  (waves: %s, trajectories until the target was met: %s)\n' waves "$verdict" "$waves" "$counted"
exit $failed
