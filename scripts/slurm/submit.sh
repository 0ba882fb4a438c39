#!/usr/bin/env bash
# Submits a run as a job array of shards, and a merge that depends on it: submit.sh RUN.toml SHARDS [sbatch options …]
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
array=$(sbatch --parsable --array="0-$((SHARDS - 1))" --output="$OUT/log/shard-%a.txt" "$@" "$here/shard.sbatch")
merge=$(sbatch --parsable --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes --output="$OUT/log/merge.txt" \
  "$here/merge.sbatch")
echo "array ${array%%;*} of $SHARDS shards, merge ${merge%%;*}; progress: $FLUCTUATOR status $OUT"
