#!/usr/bin/env bash
# Make the virtual environment and fill it from requirements.txt. Called by the Makefile: setup.sh PYTHON VENV
set -euo pipefail
python=${1:-}
venv=$2
say() { printf 'setup: %s\n' "$*" >&2; }

if [ -z "$python" ]; then
  say "no python3 found. Install Python 3.11 or newer."
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "$("$python" --version) is too old. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11 ..."
  exit 1
fi

if [ ! -x "$venv/bin/uv" ]; then
  say "making $venv (once)"
  if "$python" -m venv "$venv" >/dev/null 2>&1; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
  elif "$python" -m pip --version >/dev/null 2>&1; then # Debian without python3-venv
    rm -rf "$venv"
    tools=$(mktemp -d)
    "$python" -m pip install --quiet --disable-pip-version-check --target "$tools" uv
    PYTHONPATH="$tools" "$python" -m uv venv --quiet --python "$python" "$venv"
    PYTHONPATH="$tools" "$python" -m uv pip install --quiet --python "$venv/bin/python" uv
    rm -rf "$tools"
  else
    rm -rf "$venv"
    say "this Python has neither venv nor pip. Install them (Debian, Ubuntu: apt-get install python3-venv)."
    exit 1
  fi
fi

say "installing the packages of requirements.txt"
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements.txt
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
