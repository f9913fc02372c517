"""Getting the files of a layer by ranges: few requests, each byte at most once, every chunk checked."""

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Callable, Iterator

from compatbuild.errors import ImageError
from compatbuild.image.decompress import one_member
from compatbuild.image.limits import KIB, Limits
from compatbuild.image.random_access import RandomAccess
from compatbuild.image.toc_entries import Chunk
from compatbuild.image.toc_plan import Plan, Thrift

_ZEROS = bytes(64 * KIB)
_MORE = 64 * KIB
"""Bytes got at once where nobody knows how many are needed."""


class Counted:
    """A blob of which somebody counts what is got."""

    def __init__(self, data: RandomAccess, tick: Callable[[int], None]) -> None:
        self._data = data
        self._tick = tick
        self.size = data.size
        self.fetched = 0
        self.requests = 0

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly so many bytes."""
        self.fetched += count
        self.requests += 1
        found = self._data.read_at(offset, count)
        self._tick(count)
        return found


class Fetcher:
    """Gives the bytes of a blob from front to back, as planned; what was not planned is got when it is asked for.

    Raises ImageError (its ``what`` is a cause) when the bytes cannot be had, or cost more than the whole blob.
    """

    def __init__(self, data: Counted, plan: Plan, thrift: Thrift) -> None:
        self._data = data
        self._starts = [start for start, _ in plan.stretches]
        self._stops = [stop for _, stop in plan.stretches]
        self._thrift = thrift
        self._piece = b""
        self._at = 0  # of the piece, in the blob

    @property
    def fetched(self) -> int:
        """Bytes of the blob that were got."""
        return self._data.fetched

    def get(self, position: int, count: int, near: int) -> bytes:
        """Return up to ``count`` bytes at a position; ``near`` is where to stop if that was not planned."""
        if not self._at <= position < self._at + len(self._piece):
            self._fetch(position, near)
        within = position - self._at
        return self._piece[within : within + count]

    def _fetch(self, position: int, near: int) -> None:
        planned = bisect_right(self._starts, position) - 1
        stop = self._stops[planned] if planned >= 0 else 0
        if stop <= position:
            stop = max(near, position + _MORE)
        length = min(self._thrift.piece, stop - position, self._data.size - position)
        cost = self._data.fetched + length + self._data.requests * self._thrift.request
        if cost > self._thrift.most * self._data.size:
            raise ImageError("more of it is needed than its table of contents let expect")
        self._piece, self._at = self._data.read_at(position, length), position


class Chunks:
    """The content of chunks, decompressed; those of one gzip member or zstd frame in one go."""

    def __init__(self, fetcher: Fetcher, end: int, limits: Limits) -> None:
        self._fetcher = fetcher
        self._end = end
        self._limits = limits
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""  # of the piece last decompressed
        self._offset = -1  # of the member, in the blob
        self._at = 0  # how far it has been read
        self._produced = 0

    def content(self, chunk: Chunk, left: int) -> Iterator[bytes]:
        """Yield a chunk's bytes, where ``left`` are to come in the file; ImageError at the end if they are others."""
        if chunk.zeros:
            yield from self._zeros(chunk.size)
            return
        if chunk.offset != self._offset:  # in a member, each chunk lies behind the one before (toc_entries)
            blob = _Stretch(self._fetcher, chunk.offset, self._end, chunk.offset + _compressed(chunk.inner + left))
            self._pieces, self._rest = one_member(blob, self._limits), b""
            self._offset, self._at = chunk.offset, 0
        for _ in self._next(chunk.inner - self._at):
            pass
        digest = hashlib.sha256()
        for piece in self._next(chunk.size):
            digest.update(piece)
            yield piece
        if not hmac.compare_digest(digest.digest(), chunk.sha256):
            raise ImageError("a chunk does not have the digest that its table of contents names")

    def _next(self, count: int) -> Iterator[bytes]:
        """Yield exactly so many of the member's next bytes."""
        while count:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                raise ImageError("a chunk is shorter than its table of contents says")
            taken, self._rest = piece[:count], piece[count:]
            count -= len(taken)
            self._at += len(taken)
            self._count(len(taken))
            yield taken

    def _zeros(self, count: int) -> Iterator[bytes]:
        while count:
            piece = _ZEROS[:count]
            count -= len(piece)
            self._count(len(piece))
            yield piece

    def _count(self, produced: int) -> None:
        self._produced += produced
        most, ratio = self._limits.layer_bytes, self._limits.ratio
        if self._produced > most or self._produced > max(self._limits.ratio_from, ratio * self._fetcher.fetched):
            raise ImageError("what was got of it decompresses to more than any honest layer")


class _Stretch:
    """A blob from a position on, as far as it is read."""

    def __init__(self, fetcher: Fetcher, position: int, end: int, near: int) -> None:
        self._fetcher = fetcher
        self._position = position
        self._end = end
        self._near = min(near, end)

    def read(self, size: int, /) -> bytes:
        """Return some of the next bytes."""
        if self._position >= self._end:
            return b""
        piece = self._fetcher.get(self._position, min(size, self._end - self._position), self._near)
        self._position += len(piece)
        return piece


def _compressed(size: int) -> int:
    """Return the most that so many bytes take: stored blocks of deflate (RFC 1951 §3.2.4) are dearer than zstd's."""
    return size + 5 * (size // 16_000 + 1) + 64
