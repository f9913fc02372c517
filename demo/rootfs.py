"""The base layer: a small root file system of what this machine itself can give.

That is the running Python with its standard library, a shell, the libraries both need, the libraries every manylinux
wheel may count on, and the files that say which distribution they come from. No package manager, no root.
"""

import os
import posixpath
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from demo import dpkg
from demo.closure import Loader, closure
from demo.tree import Directory, File, Link, Tree, file

WHEEL_LIBRARIES = (
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
)
"""What the demo's wheels take from the distribution, all on the list of libraries PEP 600 lets a wheel leave out."""

MERGED = ("bin", "lib", "lib64", "sbin")
"""Top directories that are links into /usr on most distributions (systemd, "The Case for the /usr Merge")."""

LEFT_OUT = frozenset(
    {"__pycache__", "dist-packages", "ensurepip", "idlelib", "site-packages", "test", "tests", "tkinter", "turtledemo"}
)
"""Directories of the standard library that no program in an image imports."""

LEFT_OUT_PREFIXES = ("_ctypes_test.", "_test", "_tkinter.", "_xxtestfuzz.", "config-", "xxlimited")
"""Files and directories of the standard library that serve its tests, Tk, or those who embed Python."""

MADE: Tree = {
    "/etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"),
    "/etc/group": File(b"root:x:0:\nnogroup:x:65534:\n"),
    "/dev": Directory(),
    "/proc": Directory(),
    "/root": Directory(0o700),
    "/sys": Directory(),
    "/tmp": Directory(0o1777),
}
"""What every root file system has and no package of this machine need give."""


@dataclass(frozen=True)
class Python:
    """A Python installation of this machine, by its base prefix, and where it stands in the image."""

    base: Path

    @classmethod
    def running(cls) -> "Python":
        """Return the installation behind the interpreter that runs this program."""
        return cls(Path(sys.base_prefix).resolve())

    @property
    def version(self) -> str:
        """Return the version as Python's directories are named after it: ``3.11``."""
        return f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def binary(self) -> Path:
        """Return the program itself, not the link of a virtual environment."""
        return (self.base / "bin" / f"python{self.version}").resolve()

    def place(self, path: Path) -> str:
        """Return the image path of a file of this machine: the same, but /usr/local for a Python outside /usr."""
        if self.base != Path("/usr") and path.is_relative_to(self.base):
            return f"/usr/local/{path.relative_to(self.base)}"
        return str(path)

    def library(self) -> Iterator[Path]:
        """Yield the files of the standard library that a program may import."""
        for directory, inner, names in os.walk(Path(os.__file__).resolve().parent):
            inner[:] = (name for name in inner if name not in LEFT_OUT and not name.startswith(LEFT_OUT_PREFIXES))
            yield from (Path(directory, name) for name in names if not name.startswith(LEFT_OUT_PREFIXES))


def base_layer(python: Python, loader: Loader) -> Tree:
    """Return the root file system; DemoError when this machine lacks a library that Python or the wheels need."""
    programs = [python.binary, *python.library(), Path("/bin/sh")]
    runtime = [loader.library(name) for name in WHEEL_LIBRARIES]
    libraries = sorted({*runtime, *closure([*programs, *runtime], loader)})
    tree = dict(MADE)
    merged = [name for name in MERGED if Path("/", name).is_symlink()]
    tree |= {f"/{name}": Link(str(Path("/", name).readlink())) for name in merged}
    tree |= {f"/usr/{name}": Directory() for name in merged}  # a link that leads nowhere would be a false one
    originals = set[Path]()
    for path in (*programs, *libraries, Path("/etc/os-release")):
        originals |= _copy(path, tree, python)
    _beside_libc(libraries, tree, python)
    if (status := dpkg.status(originals, merged=merged)) is not None:
        tree[str(dpkg.STATUS)] = File(status.encode())
    return tree


def _copy(path: Path, tree: Tree, python: Python) -> set[Path]:
    """Add a file, and the links by which it is reached, to the tree; return the paths copied."""
    path = path.parent.resolve() / path.name
    place = python.place(path)
    if not path.is_symlink():
        tree[place] = file(path)
        return {path}
    target = path.parent / path.readlink()
    target = target.parent.resolve() / target.name
    tree[place] = Link(os.path.relpath(python.place(target), posixpath.dirname(place)))
    return {path} | _copy(target, tree, python)


def _beside_libc(libraries: Iterable[Path], tree: Tree, python: Python) -> None:
    """Link libraries from elsewhere into the directory of libc, which the loader searches without ld.so.cache."""
    places = {library.name: python.place(library.parent.resolve() / library.name) for library in libraries}
    home = posixpath.dirname(places["libc.so.6"])
    for name, place in places.items():
        if posixpath.dirname(place) != home:
            tree.setdefault(f"{home}/{name}", Link(os.path.relpath(place, home)))
