"""The source installed on newer Pythons than that of the tests: it works there. Part of ``make installs``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from build import ProjectBuilder

from tests.installs.place import place
from tests.integration.shell import ROOT
from tests.peers import missing

pytestmark = pytest.mark.download


def interpreter(version: str) -> Path:
    """Give a Python of a version, on PATH or of pyenv's."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [*kept.glob(f"{version}.*/bin/python{version}")]
    if on_path := shutil.which(f"python{version}"):
        found.insert(0, Path(on_path))
    chosen = next(filter(_runs, found), None)
    if chosen is None:
        missing(f"Python {version} is neither on PATH nor installed by pyenv: pyenv install {version}")
    return chosen


def _runs(python: Path) -> bool:
    """Say whether it runs: pyenv has shims on PATH for versions that are not chosen."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_the_source_works_on(version: str, tmp_path: Path) -> None:
    subprocess.run([interpreter(version), "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    home = place(tmp_path, version)
    programs = tmp_path / "venv" / "bin"
    home.installed(programs / "python", ProjectBuilder(ROOT).build("sdist", tmp_path))
    home.works(programs / "compatbuild")
    assert f"Python {version}." in home.ok(programs / "python", "--version")
