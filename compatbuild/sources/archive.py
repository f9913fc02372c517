"""A tar archive of an image as a set of named parts: one pass over its headers, then random access.

Members may be symbolic or hard links to other members, as podman and skopeo write them; a link is followed inside the
archive only.
"""

import io
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from compatbuild.errors import ImageError, NotFoundError, SourceError
from compatbuild.image import tar
from compatbuild.image.decompress import MAGIC_BYTES, compression
from compatbuild.image.limits import DEFAULT
from compatbuild.image.paths import joined, normal_path
from compatbuild.sources.files import Slice, read_all

HEADER_READ = 16 * 1024
"""Bytes read at a header: enough for a few small members, little to throw away before a large one."""
MAX_MEMBERS = 100_000
"""Members of an archive; one of a thousand layers in docker's old form has 4,000."""
MAX_LINKS = 4
"""Links followed from one member to another; writers make one."""


class Part(NamedTuple):
    """Where a member's content lies, or ``link``: the normal name of the member that has it."""

    offset: int
    size: int
    link: str = ""


@dataclass(frozen=True)
class Archive:
    """An open archive: its file descriptor, and its members by normal name (``manifest.json``)."""

    path: Path
    descriptor: int
    parts: dict[str, Part]

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    def expect(self, name: str) -> None:
        """Raise SourceError unless there is a member of a name, without which an archive is none of an image."""
        if name not in self:
            raise SourceError(
                f"{self.path} is a tar archive, and not of an image",
                why=f"it has no {name}",
                remedy="save the image with `docker save` or `skopeo copy`",
            )

    def open(self, name: str) -> Slice:
        """Open a member for reading; NotFoundError when there is none of that name."""
        part, links = self.parts.get(_normal(name)), 0
        while part is not None and part.link and links < MAX_LINKS:
            part, links = self.parts.get(part.link), links + 1
        if part is None or part.link:
            raise NotFoundError(
                f"{self.path} has no {name[:200]}",
                why="the archive names it and does not hold it",
                remedy="write the archive again",
            )
        return Slice(self.descriptor, part.offset, part.size)

    def read(self, name: str, limit: int) -> bytes:
        """Return a member of at most ``limit`` bytes."""
        return read_all(self.open(name), limit, f"{name[:200]} in {self.path}")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive; SourceError when it cannot be read, ImageError when it is not a whole tar archive."""
    try:
        # Not blocking, so that a named pipe in the place of an archive cannot hold us.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read", why=str(error.strerror), remedy="name a readable file") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError(
                f"{path} is no regular file",
                why="an archive is read here and there, not from front to back",
                remedy="write the archive to a file first",
            )
        yield Archive(path, descriptor, _parts(path, descriptor))
    finally:
        os.close(descriptor)


def _parts(path: Path, descriptor: int) -> dict[str, Part]:
    """Go over the headers of an archive."""
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        kind = compression(file.read(MAGIC_BYTES))
        if kind is not None:
            raise SourceError(
                f"{path} is compressed as a whole",
                why=f"its parts cannot be read in place out of a {kind.name} file",
                remedy="decompress it first",
            )
        file.seek(0)
        try:
            return dict(_members(file, os.fstat(descriptor).st_size))
        except ImageError as error:
            raise ImageError(
                f"{path} is not a whole tar archive", why=error.what, remedy="write it again, or name another file"
            ) from error


def _members(file: io.FileIO, size: int) -> Iterator[tuple[str, Part]]:
    """Yield the members' normal names and where they lie in a file of so many bytes."""
    reader = tar.TarReader(iter(lambda: file.read(HEADER_READ), b""), DEFAULT, lambda count: file.seek(count, 1))
    for number, member in enumerate(reader, 1):
        name = normal_path(member.name)[1:]
        if reader.offset + member.stored > size:
            raise ImageError(f"it is cut off within {name[:200]}")
        if number > MAX_MEMBERS:
            raise ImageError(f"it has more than {MAX_MEMBERS:,} members")
        yield name, _part(name, member, reader.offset)


def _part(name: str, member: tar.Member, offset: int) -> Part:
    """Return where a member lies; a symbolic link counts from the member's own directory, a hard link from the top."""
    link = member.link.decode("utf-8", "backslashreplace")
    if member.flag == tar.SYMBOLIC_LINK:
        return Part(0, 0, _normal(posixpath.join(posixpath.dirname(name), link)))
    if member.flag == tar.HARD_LINK:
        return Part(0, 0, _normal(link))
    return Part(offset, 0 if member.sparse else member.stored)


def _normal(name: str) -> str:
    return joined(name.split("/"))[1:]
