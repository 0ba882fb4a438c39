#!/usr/bin/env bash
# Fuzzes both readers of foreign files for SECONDS each: run.sh [SECONDS], 60 unless given. Needs cargo-fuzz:
#   cargo install cargo-fuzz --locked
# What is found lies in tests/fuzz/artifacts; once mended, it belongs into tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
# The versions that the program is built with.
cp Cargo.lock tests/fuzz/Cargo.lock
cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none
grown=$(mktemp -d)
trap 'rm -rf "$grown"' EXIT
fuzz() { # TARGET SEEDS …; what it comes upon is not kept
  local target=$1
  shift
  mkdir "$grown/$target"
  cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none "$target" "$grown/$target" "tests/fuzz/corpus/$target" "$@" -- \
    -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=20 -max_len=32768 -print_final_stats=1 2>&1 |
    grep -E 'ERROR|SUMMARY|panicked|number_of_executed_units|peak_rss_mb|Test unit written'
}
fuzz run_file runs tests/input/good tests/input/good-density
fuzz blocks
