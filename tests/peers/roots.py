"""Root file systems of Debian releases, with the Python of each: what stands in for `python:…-slim` of Docker Hub.

Made by mmdebstrap from Debian's mirror, whose signatures apt checks, and kept outside the tree.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import platformdirs

from tests.peers import missing, require, require_root

MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
PYTHONS = {"3.13": "trixie", "3.14": "forky"}
"""The release that has each Python; of 3.12 no release of Debian has had one."""
DEADLINE = 540.0  # seconds for one of them; 90 on two busy cores


def root(python: str) -> Path:
    """Give an archive of a root file system that has a Python, made at first; KeyError where no release has it."""
    release = PYTHONS[python]
    kept = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "roots" / f"{release}-python{python}.tar"
    if not kept.is_file():
        _make(release, kept)
    return kept


def _make(release: str, kept: Path) -> None:
    program = require("mmdebstrap")
    require_root("mmdebstrap")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        made = Path(scratch) / "root.tar"
        # A mirror that is a snapshot may have a release file that is past its date.
        options = ["--aptopt=Acquire::Check-Valid-Until false", "--variant=minbase", f"--include={PACKAGES}"]
        command: list[str | Path] = [program, "--mode=root", *options, release, made, MIRROR]
        environment = {"PATH": os.environ["PATH"], "HOME": scratch, "LC_ALL": "C"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE)
        if done.returncode:
            missing(f"no root file system of Debian {release}: {done.stderr.strip()[-500:]}")
        made.replace(kept)
