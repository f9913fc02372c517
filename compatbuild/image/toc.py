"""Where the table of contents of a layer lies, and getting it: eStargz and zstd:chunked.

Both are ordinary layers, compressed file by file, whose last bytes list what lies where. The digest of that list is an
annotation of the layer's descriptor, so that a manifest which has been verified vouches for it. Sources:
``estargz.md`` of containerd/stargz-snapshotter; containers/storage ``pkg/chunked/internal/minimal/compression.go``.
"""

import hashlib
import hmac
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compatbuild.errors import ImageError
from compatbuild.image.decompress import decompressed
from compatbuild.image.digests import DIGEST
from compatbuild.image.limits import KIB, Limits
from compatbuild.image.random_access import RandomAccess
from compatbuild.image.tar import TarReader
from compatbuild.image.toc_entries import TocEntry, toc_entries

ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
"""Annotation of an eStargz layer: the digest of its table, decompressed."""
CHUNKED = ("io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")
"""How zstd:chunked begins its annotations: with newer containers/storage; with older, and with stargz-snapshotter."""
CHECKSUM, POSITION = "manifest-checksum", "manifest-position"
"""The digest of the table as it is stored; ``OFFSET:LENGTH:LENGTH DECOMPRESSED:1``."""
TABLE_NAME = b"stargz.index.json"
FOOTER = 51
"""Bytes at the end of an eStargz layer: an empty gzip member whose extra field SG says where the table begins."""
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\x00SG\x16\x00([0-9a-f]{16})STARGZ.{13}", re.DOTALL)
_POSITION = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):[0-9]{1,18}:1")
TAIL = 512 * KIB
"""Bytes got from the end of an eStargz layer at first: the footer, and most tables whole."""


@dataclass(frozen=True, slots=True)
class TocPlace:
    """What annotations say of a table: its digest, and for zstd:chunked where it lies (``length`` is 0 otherwise)."""

    digest: str
    offset: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Toc:
    """A table as it is stored, from ``start`` of the blob on, where the last file ends."""

    place: TocPlace
    start: int
    stored: bytes
    limits: Limits

    @property
    def in_archive(self) -> bool:
        """Whether the table is a member of the archive, as in eStargz."""
        return not self.place.length

    def archive(self) -> TarReader:
        """Return the rest of the archive, which holds the table: for eStargz alone."""
        return TarReader(decompressed(io.BytesIO(self.stored), self.limits), self.limits)

    def verified(self) -> Iterator[TocEntry]:
        """Yield the entries; ImageError at the end unless the table has its digest."""
        algorithm, _, expected = self.place.digest.partition(":")
        digest = hashlib.new(algorithm, b"" if self.in_archive else self.stored)

        def hashed() -> Iterator[bytes]:
            for piece in self._content():
                if self.in_archive:
                    digest.update(piece)
                yield piece

        yield from toc_entries(hashed())
        if not hmac.compare_digest(digest.hexdigest(), expected):
            raise ImageError("it does not have the digest that the manifest names")

    def entries(self) -> Iterator[TocEntry]:
        """Yield the entries of a table that has been verified."""
        return toc_entries(self._content())

    def _content(self) -> Iterator[bytes]:
        """Yield the JSON, no more of it than is read."""
        length = 0
        for piece in self._json() if self.in_archive else decompressed(io.BytesIO(self.stored), self.limits):
            length += len(piece)
            if length > self.limits.toc:
                raise ImageError(f"it has more than {self.limits.toc:,} bytes")
            yield bytes(piece)

    def _json(self) -> Iterator[memoryview]:
        archive = self.archive()
        if (member := next(iter(archive), None)) is None or member.name != TABLE_NAME:
            raise ImageError("it is not where the footer says")
        yield from archive.payload()


def toc_place(annotations: Mapping[str, str]) -> TocPlace | None:
    """Return what a layer's annotations say of a table of contents; None when they name none, or no usable one."""
    for prefix in CHUNKED:
        digest = annotations.get(prefix + CHECKSUM, "")
        position = _POSITION.fullmatch(annotations.get(prefix + POSITION, ""))
        if position and DIGEST.fullmatch(digest):
            offset, length = int(position[1]), int(position[2])
            return TocPlace(digest, offset, length) if length else None
    digest = annotations.get(ESTARGZ, "")
    return TocPlace(digest) if DIGEST.fullmatch(digest) else None


def read_toc(data: RandomAccess, place: TocPlace, limits: Limits) -> Toc:
    """Get a table, which is not verified yet; ImageError (its ``what`` is a cause) when it cannot be had."""
    if place.length:
        _affordable(place.length, limits)
        return Toc(place, place.offset, data.read_at(place.offset, place.length), limits)
    tail = data.read_at(data.size - min(TAIL, data.size), min(TAIL, data.size))
    footer = _FOOTER.fullmatch(tail[-FOOTER:])
    if footer is None:
        raise ImageError("its last bytes do not say where it is")
    start, stop = int(footer[1], 16), data.size - FOOTER
    if start >= stop:
        raise ImageError("its last bytes do not say where it is")
    _affordable(stop - start, limits)
    within = start - (data.size - len(tail))
    stored = tail[within:-FOOTER] if within >= 0 else data.read_at(start, stop - start)
    return Toc(place, start, stored, limits)


def _affordable(length: int, limits: Limits) -> None:
    """Raise ImageError for a table that is too large as it is stored: decompressed, it is larger."""
    if length > limits.toc // 2:
        raise ImageError(f"it has {length:,} bytes, compressed, and at most {limits.toc // 2:,} are read")
