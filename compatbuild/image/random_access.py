"""Bytes that are read here and there: a file, a part of one, a blob of a registry by ranges."""

from dataclasses import dataclass
from typing import Protocol

from compatbuild.errors import ImageError


class RandomAccess(Protocol):
    """Content of a known size that gives any part of itself, to several threads at once."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes; ImageError (its ``what`` is a cause) when there are not so many."""


@dataclass(frozen=True)
class Part:
    """A part of other content. ``offset`` and ``size`` may be anybody's word: what lies outside is an ImageError."""

    whole: RandomAccess
    offset: int
    size: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes from an offset in the part."""
        if offset < 0 or count < 0 or offset + count > self.size or self.offset < 0:
            raise ImageError(f"it points at bytes {offset:,} to {offset + count:,} of {self.size:,}")
        return self.whole.read_at(self.offset + offset, count)
