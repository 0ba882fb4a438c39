#!/usr/bin/env bash
# Submits a run as a job array of shards, and a merge that depends on it: submit.sh RUN.toml SHARDS [sbatch options …]
#
# A run with a target goes in waves: WAVE trajectories first (16384 unless set; never fewer than 1024), then twice as many in all,
# and so on. The job after each wave merges what is there; if that does not reach the target, it submits the next wave.
set -euo pipefail
if [ $# -lt 2 ]; then
  sed -n '2s/^# //p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
RUN_FILE=$(realpath "$1")
SHARDS=$2
shift 2
FLUCTUATOR=$(command -v "${FLUCTUATOR:-fluctuator}")
FLUCTUATOR=$(realpath "$FLUCTUATOR")
OUT=$(realpath -m "${OUT:-out/$(basename "$RUN_FILE" .toml)}")
export FLUCTUATOR RUN_FILE OUT SHARDS RUN_OPTIONS="${RUN_OPTIONS:-}"
mkdir -p "$OUT/log"
# A run file that is refused is refused here, not in every task.
"$FLUCTUATOR" check "$RUN_FILE" >/dev/null
has_target() { [ -n "${WAVE:-}" ] || grep -Eq '^[[:space:]]*(\[+ensemble\.)?target\b' "$RUN_FILE"; }
if [ -z "${FIRST:-}" ] && has_target; then
  WAVE=${WAVE:-16384}
  export FIRST=0 LAST=$((WAVE < 1024 ? 1023 : WAVE - 1))
fi
array=$(sbatch --parsable --array="0-$((SHARDS - 1))" --output="$OUT/log/shard-%a.txt" "$@" "$here/shard.sbatch")
# What the next wave is submitted with, should there be one.
export SUBMIT=$here/submit.sh SBATCH_OPTIONS="$*"
merge=$(sbatch --parsable --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes --output="$OUT/log/merge.txt" \
  "$here/merge.sbatch")
echo "array ${array%%;*} of $SHARDS shards${LAST:+ (trajectories $FIRST–$LAST)}, merge ${merge%%;*};" \
  "progress: $FLUCTUATOR status $OUT"
