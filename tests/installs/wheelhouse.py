"""A directory of wheels from which pip installs without an index: those of the lock files, for one version of Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from tests.builders.wheels import fetched
from tests.integration.shell import ROOT
from tests.peers import missing

LOCKS = ("requirements.lock", "requirements-build.lock")
PIP = ("pip-26.3-py3-none-any.whl", "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13")
"""pipx keeps a pip of its own."""
PIPX = (
    ("pipx-1.18.4-py3-none-any.whl", "4672195db7e89526cda1e54cbea116164a58bd40e1c03fe12e380de16b5399a4"),
    ("argcomplete-3.7.2-py3-none-any.whl", "6029205678bdd9c1c728a155f5f9ecf5812393f969eef58807641a2bc2aa5b19"),
    ("click-8.5.1-py3-none-any.whl", "8bb5376d2006950386f8c6427613334a2acadc5f559cb80e638d00b4df957e37"),
    ("filelock-4.3.1-py3-none-any.whl", "79e43df8e9fe509cd83a3899a7c186c8077cbbe4d200a1ed3705c2f3bb6bc487"),
    ("userpath-1.9.2-py3-none-any.whl", "2cbf01a23d655a1ff8fc166dfb78da1b641d1ceabf0fe5f970767d380b14e89d"),
)
"""pipx and what it imports, less what the tests have anyway."""


def pip_wheel() -> Path:
    """Return the wheel of a pip; the test that asks is skipped, or fails, when it cannot be had."""
    found = fetched(*PIP)
    if isinstance(found, str):
        missing(found)
    return found


def wheelhouse(directory: Path, python: str = "") -> Path:
    """Fill a directory with the locked wheels for ``python`` (``3.13``; empty for this one) on x86-64 Linux.

    pip compares their hashes. The test that asks is skipped, or fails, when they cannot be had.
    """
    version = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = directory / "requirements.txt"
    wanted.write_text("".join(line for name in LOCKS for line in _for(version, (ROOT / name).read_text())))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    command += ["--no-deps", "--only-binary=:all:", f"--python-version={version}", "--dest", str(directory)]
    done = subprocess.run([*command, "-r", str(wanted)], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"the locked wheels cannot be downloaded: {done.stderr.strip()[-500:]}")
    return directory


def _for(version: str, lock: str) -> list[str]:
    """Return the pins of a lock file that count for a version of Python, each with its hashes, without markers."""
    environment = {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": "linux"}
    pins = []
    for pin in lock.replace("\\\n", " ").splitlines():
        stated, *hashes = pin.split(" --hash=")
        requirement = Requirement(stated.strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            fixed = f"{requirement.name}{requirement.specifier}"
            pins.append(" ".join((fixed, *(f"--hash={one.strip()}" for one in hashes))) + "\n")
    return pins
