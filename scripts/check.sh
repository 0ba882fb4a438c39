#!/usr/bin/env bash
# The whole gate, the same by hand and in CI: format, lints, tests, documentation, benches run once.
# Optional: PYTHON=python3 with xarray and scipy also checks the netCDF files (CI installs them).
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step format
cargo fmt --all --check

step lints
cargo clippy --release --all-targets -- -D warnings

step tests
cargo test --release

step documentation
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

step "benches, once each"
cargo bench --benches -- --test

step "the paper's Fig. 3(a), and its comparison with the density matrix"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cargo run --release --quiet -- run runs/fig3a.toml --out "$out/fig3a"
cargo run --release --quiet -- compare "$out/fig3a" "$out/fig3a/exact"

step "records and emission statistics"
cargo run --release --quiet -- run runs/antibunching.toml --out "$out/antibunching" --trajectories 512

step "result.nc and records.nc against summary.json"
if "${PYTHON:-python3}" -c 'import xarray, scipy' 2>/dev/null; then
  "${PYTHON:-python3}" scripts/check_netcdf.py "$out/fig3a"
  "${PYTHON:-python3}" scripts/check_netcdf.py "$out/fig3a/exact"
  "${PYTHON:-python3}" scripts/check_netcdf.py "$out/antibunching"
else
  echo "skipped: ${PYTHON:-python3} has no xarray"
fi

step "all passed"
