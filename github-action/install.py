"""Make an environment with exactly what requirements.lock pins, and tell the step which Python that is.

compatbuild itself is not installed: it is run from this checkout, so that action and package are always of one version.
An interpreter that already has every pin, as where there is no package index, is used as it is.
"""

import hashlib
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.+?))? *\\?$", re.MULTILINE)
FAILED = (
    "::error title=compatbuild::the packages of requirements.lock cannot be installed. Without a package index, give "
    "the input python one that has them: see github-action/README.md"
)


def main() -> int:
    """Install, and return the step's exit code."""
    python = sys.executable if complete() else installed()
    if python is None:
        print(FAILED)
        return 1
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"python={python}\n")
    return 0


def complete() -> bool:
    """Say whether this interpreter has every pin; what only other systems need counts as had."""
    text = LOCK.read_text(encoding="utf-8")
    return all(_has(name, version) for name, version, marker in PIN.findall(text) if not marker or _applies(marker))


def _has(name: str, version: str) -> bool:
    try:
        return metadata.version(name) == version
    except metadata.PackageNotFoundError:
        return False


def _applies(marker: str) -> bool:
    try:
        from packaging.markers import Marker
    except ImportError:  # it is one of the pins
        return True
    return Marker(marker).evaluate()


def installed() -> "str | None":
    """Return the Python of an environment in the runner's temporary directory; None when pip fails.

    A second call in a job finds what the first made: its name holds the lock and the interpreter.
    """
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode() + sys.executable.encode()).hexdigest()[:16]
    place = Path(os.environ.get("RUNNER_TEMP") or "/tmp") / f"compatbuild-python-{key}"
    python, made = place / "bin" / "python", place / ".complete"
    if made.is_file():
        return str(python)
    pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    try:
        subprocess.run([sys.executable, "-I", "-m", "venv", "--clear", place], check=True)
        # The lock is complete, and with dependencies pip refuses what asks for an extra of a pin (pydantic[email]).
        exactly = ("--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:", "--requirement", LOCK)
        subprocess.run([*pip, *exactly], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return None
    made.touch()
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
