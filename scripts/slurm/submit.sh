#!/usr/bin/env bash
# Submits a run as a job array of shards, and a merge that depends on it: submit.sh RUN.toml SHARDS [sbatch options …]
#
# A run with a target goes in waves: WAVE trajectories first (16384 unless set; never fewer than 1024), then twice as many in all,
# and so on. The job after each wave merges what is there; if that does not reach the target, it submits the next wave.
set -euo pipefail
refuse() {
  printf 'submit.sh: %s\n' "$1" >&2
  exit 2
}
# A number from 1 on: bash would evaluate anything else that stands in an arithmetic expression.
number() { [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || refuse "$1 must be a whole number from 1 to 999999999: $(printf %q "$2")"; }
if [ $# -lt 2 ]; then
  sed -n '2s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
[ -f "$1" ] || refuse "there is no run file $(printf %q "$1")"
RUN_FILE=$(realpath -- "$1")
SHARDS=$2
shift 2
number SHARDS "$SHARDS"
program=${FLUCTUATOR:-fluctuator}
FLUCTUATOR=$(type -P -- "$program") ||
  refuse "the program $(printf %q "$program") is not found: put it on the PATH or name it in FLUCTUATOR"
FLUCTUATOR=$(realpath -- "$FLUCTUATOR")
OUT=$(realpath -m -- "${OUT:-out/$(basename -- "$RUN_FILE" .toml)}")
# What the next wave is submitted with, should there be one: an option a line.
for option; do
  [[ $option != *$'\n'* ]] || refuse "an option of sbatch has a line end: $(printf %q "$option")"
done
SBATCH_OPTIONS=$(printf '%s\n' "$@")
export FLUCTUATOR RUN_FILE OUT SHARDS SBATCH_OPTIONS RUN_OPTIONS="${RUN_OPTIONS:-}" SUBMIT=$here/submit.sh
mkdir -p -- "$OUT/log"
# A run file that is refused is refused here, not in every task.
"$FLUCTUATOR" check "$RUN_FILE" >/dev/null
has_target() { [ -n "${WAVE:-}" ] || grep -Eq '^[[:space:]]*(\[+ensemble\.)?target\b' -- "$RUN_FILE"; }
if [ -n "${FIRST:-}" ]; then
  [[ $FIRST-${LAST:-} =~ ^[0-9]{1,15}-[0-9]{1,15}$ ]] ||
    refuse "FIRST and LAST must be whole numbers: merge.sbatch sets them"
elif has_target; then
  WAVE=${WAVE:-16384}
  number WAVE "$WAVE"
  export FIRST=0 LAST=$((WAVE < 1024 ? 1023 : WAVE - 1))
fi
# In the name of a file Slurm replaces what follows a %.
log=${OUT//%/%%}/log
# The options of the site (account, partition, time …) go to both jobs; what makes an array of one must not make one of the other.
merge_options=()
skip=
for option; do
  case $option in
    --array=* | -a?*) ;;
    --array | -a) skip=1 ;;
    *) [ -n "$skip" ] || merge_options+=("$option") && skip= ;;
  esac
done
array=$(sbatch --parsable --array="0-$((SHARDS - 1))" --output="$log/shard-%a.txt" "$@" "$here/shard.sbatch")
merge=$(sbatch --parsable ${merge_options[@]+"${merge_options[@]}"} --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes \
  --output="$log/merge.txt" "$here/merge.sbatch")
echo "array ${array%%;*} of $SHARDS shards${LAST:+ (trajectories $FIRST–$LAST)}, merge ${merge%%;*};" \
  "progress: $FLUCTUATOR status $OUT"
