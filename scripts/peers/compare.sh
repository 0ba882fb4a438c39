#!/usr/bin/env bash
# Times fluctuator and QuTiP side by side on the same systems and checks that they agree.
#
#   scripts/peers/compare.sh              everything, about five minutes
#   scripts/peers/compare.sh --quick      the small cases, one round
#   scripts/peers/compare.sh --help       all options
#
# Needs cargo and python3 ≥ 3.11 (with venv). The Python packages go to target/peers-venv, made once.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/peers-venv

case " $* " in
    *" --help "* | *" -h "*) exec python3 "$here/peers.py" --help ;;
esac

# The copy of the requirements is made last, so a venv that was interrupted or is out of date is made again.
if ! cmp --silent "$here/requirements.txt" "$venv/requirements.txt"; then
    echo "making $venv" >&2
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
cargo build --release --quiet

# One core for either engine: the linear algebra under QuTiP starts a thread per core otherwise.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1 RAYON_NUM_THREADS=1
exec "$venv/bin/python" "$here/peers.py" --fluctuator "$target/release/fluctuator" "$@"
