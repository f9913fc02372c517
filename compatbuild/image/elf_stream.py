"""The shape in which a file passes by its readers: overlapping blocks, and the parts of it worth searching."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

LOOK = 512
"""Bytes that a reader may look at from where a thing begins on; also the overlap of two blocks.

The longest thing that must be seen at once: a marker's pattern is searched in this many bytes, a fatbin entry has a
header of 64 bytes.
"""

BLOCK = 262_144
"""Fresh bytes of a block: small enough for a processor's cache, large enough that the work per block vanishes."""

TEXT = range(0x20, 0x7F)
"""The printable bytes of ASCII."""

RARE = 512
"""A byte that stands for less than one in so many is worth looking for alone (measured with CPython 3.11)."""

NEVER = 1 << 64
"""The offset that a reader which wants nothing more waits for; no file reaches it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a file: ``data`` begins at offset ``base``.

    A reader takes in everything that begins before ``horizon``; what begins later comes again in the next block. So
    unless the block is the last one, LOOK bytes are there from each thing on.
    """

    base: int
    data: bytes | bytearray
    last: bool

    @property
    def end(self) -> int:
        """Return the offset just past the block."""
        return self.base + len(self.data)

    @property
    def horizon(self) -> int:
        """Return the offset before which things are taken in."""
        return self.end if self.last else self.end - LOOK

    def peek(self, offset: int, length: int) -> bytes:
        """Return the bytes at an offset: fewer than ``length`` only where the file ends."""
        return bytes(self.data[offset - self.base : offset - self.base + length])

    def find(self, needle: bytes, start: int, stop: int) -> int:
        """Return the offset of the first needle that begins in ``start`` to ``stop``, or -1.

        Python looks for one byte many times as fast as for several, so a first byte that no text has is looked for
        alone, until it turns out to be frequent here.
        """
        at, end = start - self.base, stop - self.base
        if needle[0] not in TEXT:
            for _ in range((end - at) // RARE):
                at = self.data.find(needle[:1], at, end)
                if at < 0 or self.data.startswith(needle, at):
                    return at if at < 0 else at + self.base
                at += 1
        at = self.data.find(needle, at, end + len(needle) - 1)
        return at if at < 0 else at + self.base


class Reader(Protocol):
    """Something that reads a file block by block."""

    @property
    def resume(self) -> int:
        """The first offset still of interest: earlier bytes need not be shown any more."""

    def scan(self, block: Block) -> None:
        """Read a block; afterwards ``resume`` is at its horizon or beyond."""


class Scope:
    """The parts of a file that are worth searching, in order; parts can be taken out ahead of the search."""

    def __init__(self, parts: Iterable[tuple[int, int]]) -> None:
        """Begin with ``parts``: sorted, disjoint pairs of start and end."""
        kept = [(start, stop) for start, stop in parts if start < stop]
        self._starts = [start for start, _ in kept]
        self._stops = [stop for _, stop in kept]

    def exclude(self, start: int, stop: int) -> None:
        """Take out a range."""
        first = bisect_right(self._stops, start)
        last = first
        left: list[tuple[int, int]] = []
        while last < len(self._starts) and self._starts[last] < stop:
            left += [(self._starts[last], start), (stop, self._stops[last])]
            last += 1
        left = [(a, b) for a, b in left if a < b]
        self._starts[first:last] = [a for a, _ in left]
        self._stops[first:last] = [b for _, b in left]

    def parts(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield what lies in the range, part by part."""
        at = bisect_right(self._stops, start)
        while at < len(self._starts) and self._starts[at] < stop:
            yield max(start, self._starts[at]), min(stop, self._stops[at])
            at += 1

    def following(self, offset: int) -> int:
        """Return the first offset in scope from ``offset`` on, NEVER after the last."""
        at = bisect_right(self._stops, offset)
        return max(offset, self._starts[at]) if at < len(self._starts) else NEVER
