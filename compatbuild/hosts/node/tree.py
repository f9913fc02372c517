"""The files of a node: this machine's, or those of a host that is mounted somewhere."""

import os
import stat
from pathlib import Path, PurePosixPath

MAX_FILE_BYTES = 16 << 20  # modules.dep, the largest file read, has two
MAX_ENTRIES = 100_000  # of a directory; a machine with a thousand cores has that many files in none
MAX_LINKS = 40  # as the kernel itself allows


class Tree:
    """Files by their path on the node.

    Links are followed inside of the root, so that a mounted host never leads to files of this machine.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def read(self, path: str) -> bytes | None:
        """Give the content of a regular file; None when there is none, it cannot be read, or is beyond all bounds."""
        if (place := self._place(path)) is None:
            return None
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not keep us waiting
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return _bounded(descriptor)
        except OSError:  # sysfs refuses the reading of what a device does not have
            return None
        finally:
            os.close(descriptor)

    def text(self, path: str) -> str | None:
        """Give the content of a file as text without white space around it."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "replace").strip()

    def names(self, path: str) -> list[str] | None:
        """Give the names in a directory, sorted as NFD sees them; None when it cannot be read."""
        place = self._place(path)
        try:
            return sorted(one.name for one in place.iterdir())[:MAX_ENTRIES] if place is not None else None
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path."""
        place = self._place(path)
        try:
            return place is not None and place.exists()
        except OSError:  # below a directory that is closed to us
            return False

    def _place(self, path: str) -> Path | None:
        """Find where a path of the node lies here; links are resolved against the root, and ``..`` stops at it."""
        rest = list(reversed(PurePosixPath(path).parts))
        here, links = self.root, 0
        while rest:
            part = rest.pop()
            if part == "/":
                here = self.root
            elif part == "..":
                here = here.parent if here != self.root else here
            elif (target := _link(here / part)) is None:
                here = here / part
            else:
                links += 1
                if links > MAX_LINKS:
                    return None
                rest.extend(reversed(PurePosixPath(target).parts))
        return here


def _link(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:  # not a link, or not there
        return None


def _bounded(descriptor: int) -> bytes | None:
    parts, size = [], 0
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
        size += len(part)
        if size > MAX_FILE_BYTES:
            return None
    return b"".join(parts)
