"""Which stretches of a layer to get when its table of contents is known, and whether that is worth it."""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from compatbuild.errors import ImageError
from compatbuild.image import tar
from compatbuild.image.layer import ELF_MAGIC
from compatbuild.image.limits import MIB
from compatbuild.image.paths import normal_path
from compatbuild.image.toc_entries import TocEntry
from compatbuild.image.wanted import Wanted

_LIBRARY = re.compile(r"\.so(\.|$)|\.k?o$")


@dataclass(frozen=True, slots=True)
class Thrift:
    """What getting bytes costs: ``request`` is a request's price in bytes, ``piece`` the most bytes of one.

    At 100 MB/s a megabyte takes 10 ms, as long as a near registry takes to answer at all. Stretches that lie nearer to
    each other are got in one, with what is between them. ``share`` of a layer is what ranges may cost to be begun with,
    and ``most`` what they may cost in the end, where files turn out to be programs that do not look so.
    """

    request: int = MIB
    piece: int = 4 * MIB
    share: float = 0.5
    most: float = 1.0


USUAL = Thrift()


@dataclass(frozen=True, slots=True)
class Plan:
    """Stretches of a blob that are sure to be needed, pairs of start and end in order, and what they cost."""

    stretches: tuple[tuple[int, int], ...]
    cost: int


def plan(entries: Iterable[TocEntry], end: int, wanted: Wanted, thrift: Thrift) -> Plan:
    """Choose what to get of a layer whose files end at ``end``; ImageError when the table has some beyond.

    A table does not say which files are ELF, so of every file the first chunk is needed. Of what looks like a program
    or library, all of it; where a name deceives, the rest is got when the first chunk is there.
    """
    stretches: list[list[int]] = []
    upto, begun = 0, -1  # bytes needed of the file; where a needed chunk begins whose end is not known yet

    def close(stop: int) -> None:
        if stretches and begun - stretches[-1][1] <= thrift.request:
            stretches[-1][1] = max(stop, stretches[-1][1])
        else:
            stretches.append([begun, stop])

    for member, chunk in entries:
        if member is not None:
            upto = _needed(member, wanted) if member.size else 0
        if chunk is None or chunk.zeros or chunk.offset == begun:
            continue
        if chunk.offset >= end:
            raise ImageError("it points past the last file")
        if begun >= 0:
            close(chunk.offset)
        begun = chunk.offset if chunk.at < upto else -1
    if begun >= 0:
        close(end)
    cost = sum(stop - start + thrift.request * -(-(stop - start) // thrift.piece) for start, stop in stretches)
    return Plan(tuple((start, stop) for start, stop in stretches), cost)


def _needed(member: tar.Member, wanted: Wanted) -> int:
    """Return how many bytes of a file are needed, as far as its name and mode tell."""
    path = normal_path(member.name)
    needed = 0
    if wanted.elf and member.size >= len(ELF_MAGIC):
        needed = member.size if _like_elf(path, member.mode) else len(ELF_MAGIC)
    if wanted.near(path):
        limit = wanted.limit(path)
        if wanted.from_end(path) or (not limit and wanted.is_source(path, member.size)):
            limit = member.size
        needed = max(needed, min(limit, member.size))
    return needed


def _like_elf(path: str, mode: int) -> bool:
    """Say whether a file looks like a program, a library or a kernel module. This decides about cost alone."""
    name = posixpath.basename(path)
    return _LIBRARY.search(name) is not None or bool(mode & 0o111 and "." not in name)
