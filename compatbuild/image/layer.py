"""One streaming pass over one layer: stored bytes in, LayerFacts out, every digest checked on the way."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

from compatbuild.errors import ImageError
from compatbuild.image import packages
from compatbuild.image.collect import Collector
from compatbuild.image.decompress import Readable, decompressed
from compatbuild.image.digests import SHA256, Hashing
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import UNKNOWN_SIZE, BlobLayer, Scan, Tick
from compatbuild.image.limits import KIB, MIB, OverLimitError
from compatbuild.image.tar import TarReader
from compatbuild.image.wanted import Wanted

ELF_MAGIC = b"\x7fELF"
SMALL_DATABASE = 256 * KIB
"""Bytes up to which a database is kept as it is, so that of a hundred layers only the top one's is read."""
LARGE_DATABASE = 4 * MIB
"""Bytes from which databases are not in memory several at a time, however many layers are read at once."""
_ONE_AT_A_TIME = Lock()


def blob_facts(layer: BlobLayer, scan: Scan) -> LayerFacts:
    """Stream a stored layer once; ImageError says which layer it is, and what is wrong with it."""
    try:
        with layer.open() as stream, ThreadPoolExecutor(2, thread_name_prefix="digest") as pool:
            blob = _Blob(stream, layer, scan.tick, pool)
            content = Hashing(layer.diff_id, pool, same=blob.hashing if layer.diff_id == layer.digest else None)
            facts = read_layer(_hashed(decompressed(blob, scan.limits), content), scan)
            blob.finish()
            content.check("its content does not have the diff ID of the image config")
    except ImageError as error:
        damaged = "fetch or build the image again; if it stays so, it is damaged where it lies, or made to harm"
        raise ImageError(
            f"{layer.name} cannot be read",
            why=error.what if not error.why else f"{error.what}: {error.why}",
            remedy=error.remedy if isinstance(error, OverLimitError) else damaged,
        ) from error
    return facts


def identified(stream: Readable, scan: Scan) -> tuple[LayerFacts, str]:
    """Stream a layer of which nothing is known, to its end; return what it holds, and its diff ID.

    ImageError (its ``what`` is a cause) when it is no layer, or damaged.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="digest") as pool:
        content = Hashing(SHA256, pool)
        facts = read_layer(_hashed(decompressed(stream, scan.limits), content), scan)
        return facts, content.found()


class _Blob:
    """The stored bytes of a layer: counted, hashed and reported as they are read."""

    def __init__(self, stream: Readable, layer: BlobLayer, tick: Tick, pool: ThreadPoolExecutor) -> None:
        self._stream = stream
        self._layer = layer
        self._tick = tick
        self._taken = 0
        self.hashing = Hashing(layer.digest, pool)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; ImageError as soon as there are more than the descriptor says."""
        piece = self._stream.read(size)
        self._taken += len(piece)
        if self._layer.size != UNKNOWN_SIZE and self._taken > self._layer.size:
            raise ImageError(f"it has more than the {self._layer.size:,} bytes that were named")
        self.hashing.update(piece)
        self._tick(len(piece))
        return piece

    def finish(self) -> None:
        """Read to the end, and check size and digest."""
        while self.read(1 << 20):
            pass
        if self._layer.size not in (UNKNOWN_SIZE, self._taken):
            raise ImageError(f"it has {self._taken:,} bytes where {self._layer.size:,} were named")
        self.hashing.check("its bytes do not have the digest that the manifest names")


def _hashed(pieces: Iterator[bytes], hashing: Hashing) -> Iterator[bytes]:
    for piece in pieces:
        hashing.update(piece)
        yield piece


def read_layer(pieces: Iterator[bytes], scan: Scan) -> LayerFacts:
    """Go through the archive once, keeping of each member what is wanted of it."""
    reader = TarReader(pieces, scan.limits)
    collector = Collector(scan.limits)
    keep_members(reader, collector, Keeper(scan, collector), scan.wanted)
    reader.drain()
    return collector.facts()


def keep_members(reader: TarReader, collector: Collector, keeper: "Keeper", wanted: Wanted) -> None:
    """Take in the members of an archive, one after the other."""
    add, starts_with, near, elf = collector.add, reader.starts_with, wanted.near, wanted.elf
    for member in reader:
        path = add(member)
        if path:
            is_elf = elf and starts_with(ELF_MAGIC)
            if is_elf or near(path):
                keeper.keep(path, member.size, reader.payload, is_elf=is_elf)


def _first(pieces: Iterator[memoryview]) -> bytes:
    """Return pieces in one, which for large files must not be there twice: a BytesIO gives its buffer away."""
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def _last(pieces: Iterator[memoryview], skip: int) -> bytearray:
    """Return what follows so many bytes."""
    kept = bytearray()
    for piece in pieces:
        kept += piece[skip:]
        skip = max(0, skip - len(piece))
    return kept


class Keeper:
    """Decides how much of a file's content a layer's facts keep, and counts it."""

    def __init__(self, scan: Scan, collector: Collector) -> None:
        self._wanted = scan.wanted
        self._limits = scan.limits
        self._collector = collector
        self._kept = 0
        self._sources = 0

    def keep(self, path: str, size: int, payload: Callable[[int], Iterator[memoryview]], *, is_elf: bool) -> None:
        """Read what is wanted of a file; ``payload(n)`` yields its next ``n`` bytes, all with -1."""
        limit = self._limit(path, size)
        if is_elf and limit and self._wanted.condenses(path):
            self._collector.notes.add(f"{path} is an ELF file, and no package database")
            limit = 0
        if is_elf and len(self._collector.elves) >= self._limits.elf_files:
            self._collector.notes.add(f"more than {self._limits.elf_files:,} ELF files: {path} is not read")
            is_elf = False
        if is_elf:
            content = self._elf(path, size, limit, payload)
        elif limit < size and self._wanted.from_end(path):
            content = bytes(_last(payload(-1), size - limit))
        elif limit > SMALL_DATABASE and self._wanted.condenses(path):
            content = self._condensed(path, limit, payload)
            limit = len(content)
        else:
            content = _first(payload(limit))
        if limit:
            self._collector.files[path] = content

    def _elf(self, path: str, size: int, limit: int, payload: Callable[[int], Iterator[memoryview]]) -> bytes:
        """Read an ELF file for its facts, and return the beginning of it that is wanted too."""
        scan = ElfScan(path, size, self._wanted.interests)
        head = bytearray()
        for piece in payload(-1):
            if len(head) < limit:
                head += piece[: limit - len(head)]
            scan.feed(piece)
        facts = scan.result()
        if facts is not None:
            self._collector.elves[path] = facts
        return bytes(head)

    def _condensed(self, path: str, limit: int, payload: Callable[[int], Iterator[memoryview]]) -> bytes:
        """Read a package database and return it condensed; a large one while no other layer does the same.

        Nothing is returned of one that names more than may be kept.
        """
        with _ONE_AT_A_TIME if limit > LARGE_DATABASE else nullcontext():
            content = packages.condensed(path, _first(payload(limit)), self._limits)
        if not self._affordable(path, len(content)):
            return b""
        self._kept += len(content)
        return content

    def _affordable(self, path: str, size: int) -> bool:
        """Say whether so much more may be kept; if not, that is noted."""
        if self._kept + size <= self._limits.layer_kept:
            return True
        self._collector.notes.add(f"{path} is not kept: more than {self._limits.layer_kept:,} bytes in one layer")
        return False

    def _limit(self, path: str, size: int) -> int:
        """Return how many bytes of a file to keep, and count them."""
        limit = min(self._wanted.limit(path), size)
        if not limit and self._wanted.is_source(path, size):
            if self._sources == self._limits.python_sources:
                self._collector.notes.add(f"more than {self._sources} Python sources: the others are not followed")
                return 0
            self._sources += 1
            limit = size
        condensed = limit > SMALL_DATABASE and self._wanted.condenses(path)  # and counted as that
        if not condensed and not self._affordable(path, limit):
            return 0
        if limit in (self._limits.database, self._limits.status) and limit < size:
            self._collector.notes.add(f"{path} is read only as far as {limit:,} bytes")
        self._kept += 0 if condensed else limit
        return limit


class FileContent:
    """A file's content that comes in pieces, whose beginning can be looked at before it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._first = b""

    def starts_with(self, magic: bytes) -> bool:
        """Say whether it begins so."""
        while len(self._first) < len(magic) and (piece := next(self._pieces, b"")):
            self._first += piece
        return self._first.startswith(magic)

    def take(self, count: int) -> Iterator[memoryview]:
        """Yield the next bytes, all of them when ``count`` is negative."""
        while count and (piece := self._first or next(self._pieces, b"")):
            part = memoryview(piece)[: count if count > 0 else None]
            self._first = piece[len(part) :]
            count -= len(part) if count > 0 else 0
            yield part
