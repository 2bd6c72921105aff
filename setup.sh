#!/usr/bin/env bash
# Make a virtual environment in .venv and install the project into it; with the argument "tests" also what the
# tests need. Runs again without harm.
set -euo pipefail
cd "$(dirname "$0")"

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "error: $("$python" --version 2>&1) is too old: install Python 3.10 or newer, or name one: PYTHON=/path/to/python bash setup.sh" >&2
    exit 2
}
[ -x .venv/bin/python ] || "$python" -m venv .venv
extras=$([ "${1:-}" = tests ] && echo '[dev,onnx]' || true)
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extras"

# The opencv-python wheel opens windows, for which it needs system libraries that slim systems lack.
if ! message=$(.venv/bin/python -c 'import cv2' 2>&1); then
    version=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("opencv-python"))')
    echo "opencv-python does not load here (${message##*ImportError: }): taking its headless build, which does all but windows." >&2
    echo "For windows: apt-get install libgl1 libglib2.0-0, then .venv/bin/pip install --force-reinstall --no-deps opencv-python" >&2
    # Both builds own the same files: take one away, then lay the other down whole, even if it was there before.
    .venv/bin/python -m pip uninstall --quiet --yes opencv-python
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps \
        "opencv-python-headless==$version"
    .venv/bin/python -c 'import cv2'
fi
