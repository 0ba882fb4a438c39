#!/usr/bin/env bash
# A long run in shards with random kills against one uninterrupted run, to the byte, without Slurm:
#   million.sh [TRAJECTORIES] [SHARDS] [KILLS]      (1000000, 64 and 10 unless given; minutes on two cores)
# Shards run CORES at a time, in random order; KILLS of them are killed at a random moment and started again.
set -euo pipefail
cd "$(dirname "$0")/../.."
trajectories=${1:-1000000} shards=${2:-64} kills=${3:-10} cores=${CORES:-$(nproc)}
fluctuator=${FLUCTUATOR:-$(pwd)/target/release/fluctuator}
work=$(mktemp -d "${TMPDIR:-/tmp}/million.XXXXXX")
trap 'rm -rf "$work"' EXIT
run=("$fluctuator" run runs/fig3a.toml --quiet --trajectories "$trajectories" --set output.exact=false
  --set "sweep.model.spins.0.bath.nbar=[${NBAR:-0.0}]")

mapfile -t killed < <(seq 0 $((shards - 1)) | shuf -n "$kills")
shard() { # runs shard $1; if it is one of those to be killed, first kills it after a random time
  if [[ " ${killed[*]} " == *" $1 "* ]]; then
    "${run[@]}" --out "$work/shards" --shard "$1/$shards" --threads 1 &
    local victim=$!
    sleep "$(awk -v r=$RANDOM -v per="$seconds" 'BEGIN { print 0.1 + r / 32768 * per }')"
    if kill -KILL "$victim" 2>/dev/null; then echo "$1" >>"$work/kills"; fi
    wait "$victim" 2>/dev/null || true
  fi
  "${run[@]}" --out "$work/shards" --shard "$1/$shards" --threads 1
}

begun=$SECONDS
"${run[@]}" --out "$work/whole" --threads "$cores"
seconds=$(((SECONDS - begun) * cores / shards / 2 + 1))
echo "one run: $((SECONDS - begun)) s"
begun=$SECONDS
for index in $(seq 0 $((shards - 1)) | shuf); do
  while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n; done
  shard "$index" &
done
wait
echo "$shards shards: $((SECONDS - begun)) s, killed in the middle: $(sort -n "$work/kills" 2>/dev/null | tr '\n' ' ')"
echo "stored: $(du -sb "$work/shards/blocks" | cut -f1) bytes in $(find "$work/shards/blocks" -type f | wc -l) files"
"$fluctuator" merge "$work/shards" --out "$work/merged" --quiet
points() { sed -n '/^  "points": /,$p' "$1/summary.json"; }
[ -n "$(points "$work/whole")" ] # nothing is not the same as nothing
cmp <(points "$work/whole") <(points "$work/merged")
echo "identical: $(points "$work/merged" | sha256sum | cut -c 1-16), $(points "$work/merged" | wc -c) bytes of points"
