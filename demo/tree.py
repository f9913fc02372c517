"""The files of an image layer before they are packed: image paths and what stands there."""

import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes, or a file of this machine that holds them."""

    content: bytes | Path
    executable: bool = False

    def read(self) -> bytes:
        """Return the bytes."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; ``target`` as readlink(2) would give it."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that must be there though it may be empty, or has permissions of its own."""

    mode: int = 0o755


Tree = dict[str, File | Link | Directory]
"""Absolute image path → what stands there. Parents need no entry of their own."""


def file(path: Path) -> File:
    """Return the entry of a file of this machine, executable when its owner may execute it."""
    return File(path, executable=bool(path.stat().st_mode & stat.S_IXUSR))
