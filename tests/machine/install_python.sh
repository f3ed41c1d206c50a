#!/usr/bin/env bash
# Make .venv and install exactly what the given lock files say (every file's hash is checked).
# Uses uv where it is at hand, because it is faster; plain pip otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${PYTHON:-python3}"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "The shop needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Name another: make run PYTHON=python3.12" >&2
    exit 1
}
requirements=()
for file in "$@"; do requirements+=(-r "$file"); done

if uv --version >/dev/null 2>&1; then
    [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
    VIRTUAL_ENV="$PWD/.venv" uv pip install --quiet --require-hashes "${requirements[@]}"
    exit
fi
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv || {
        echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
fi
echo "Installing the shop's libraries into .venv …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "${requirements[@]}"
