#!/usr/bin/env bash
# Find Python 3.11 or later, and give the step's output `python`: one that has what requirements.lock pins.
set -euo pipefail

new_enough() {
  "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
}

found=""
shopt -s nullglob
candidates=(python3 python3.14 python3.13 python3.12 python3.11 "${RUNNER_TOOL_CACHE:-/nonexistent}"/Python/3.1[1-9].*/*/bin/python3)
for candidate in ${WANTED_PYTHON:+"$WANTED_PYTHON"} "${candidates[@]}"; do
  if command -v "$candidate" > /dev/null && new_enough "$candidate"; then
    found="$candidate"
    break
  elif [[ "$candidate" == "${WANTED_PYTHON:-}" ]]; then
    echo "::error title=compatbuild::the input python names no Python 3.11 or later"
    exit 2
  fi
done
if [[ -z "$found" ]]; then
  echo "::error title=compatbuild::there is no Python 3.11 or later: use actions/setup-python before, or give the input python"
  exit 1
fi
exec "$found" -I "$GITHUB_ACTION_PATH/install.py"
