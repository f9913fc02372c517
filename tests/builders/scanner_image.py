"""The root of an image that runs our command line: this Python, what compatbuild needs, and the libraries they load."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SITE = "/opt/site"
NOT_NEEDED = ("site-packages", "test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "__pycache__", "config-*")
"""Of Python's own library."""


def write_root(root: Path) -> str:
    """Write the file system below a directory, and return the path in it of the interpreter."""
    python = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    library = Path(sysconfig.get_path("stdlib"))
    _copy(python, root)
    shutil.copytree(library, _inside(root, library), ignore=shutil.ignore_patterns(*NOT_NEEDED), symlinks=True)
    site = _inside(root, Path(SITE))
    for name in sorted(_needed("compatbuild", set())):
        for file in metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    shutil.copytree(ROOT / "compatbuild", site / "compatbuild", ignore=shutil.ignore_patterns("__pycache__"))
    for library_path in _libraries([python, *library.rglob("*.so"), *site.rglob("*.so")]):
        _copy(library_path, root)
    return str(python)


def _needed(name: str, found: set[str]) -> set[str]:
    """Return the distributions that one needs here, without itself."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        known = requirement.name.lower()
        if known not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(known)
            _needed(known, found)
    return found


def _libraries(programs: list[Path]) -> set[Path]:
    """Return what the loader of this machine maps for some programs, itself included."""
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    found = re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", done.stdout, re.MULTILINE)
    return {Path(path) for path in found if not Path(path).is_relative_to(ROOT)}


def _copy(path: Path, root: Path) -> None:
    target = _inside(root, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(path, target)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
