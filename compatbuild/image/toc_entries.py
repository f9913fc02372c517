"""The entries of a layer's table of contents: hostile JSON in, tar members and chunks out.

Format: that of CRFS, as eStargz has it (``estargz.md`` of containerd/stargz-snapshotter, and ``innerOffset`` of
``estargz/types.go``) and zstd:chunked (containers/storage ``pkg/chunked/internal/minimal/compression.go``).

A table is only taken where it can say all that a tar header says, in the order of the archive: whatever is odd is an
ImageError (its ``what`` is a cause), for the layer can still be read as a whole.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compatbuild.errors import ImageError
from compatbuild.image import tar
from compatbuild.image.json_stream import JsonStream

VERSION = 1
_FLAGS = {
    "reg": tar.REGULAR,
    "dir": tar.DIRECTORY,
    "symlink": tar.SYMBOLIC_LINK,
    "hardlink": tar.HARD_LINK,
    "char": tar.CHARACTER,
    "block": tar.BLOCK_DEVICE,
    "fifo": tar.FIFO,
}
_CHUNK = "chunk"
_ZEROS = "zeros"
_NUMBERS = ("mode", "size", "offset", "innerOffset", "endOffset", "chunkOffset", "chunkSize")
_TEXTS = ("type", "name", "linkName", "digest", "chunkDigest", "chunkType")
_READ = {name.casefold(): name for name in (*_NUMBERS, *_TEXTS)}
_MOST = 1 << 62
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class Chunk(NamedTuple):
    """A piece of a file: ``size`` bytes from ``at`` on, which have a sha256.

    They begin ``inner`` bytes after the beginning of the gzip member or zstd frame that lies at ``offset`` in the blob.
    ``zeros`` says that all of them are.
    """

    at: int
    size: int
    offset: int
    inner: int
    sha256: bytes
    zeros: bool


class TocEntry(NamedTuple):
    """A member of the archive, with the first chunk of its content if it has any; or, without one, a further chunk."""

    member: tar.Member | None
    chunk: Chunk | None


def toc_entries(pieces: Iterator[bytes]) -> Iterator[TocEntry]:
    """Yield what a table lists: of each file the member first, then its further chunks, which cover it in order."""
    document = JsonStream(pieces)
    layout = _Layout()
    for entry in document.entries("entries"):
        if not isinstance(entry, dict):
            raise ImageError("an entry of it is no object")
        yield layout.placed(_checked(entry))
    layout.finish()
    version = document.fields.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise ImageError(f"its version is not {VERSION}")


class _Layout:
    """Sees to it that chunks follow each other, in files and in the blob."""

    def __init__(self) -> None:
        self._name: str | None = None  # of the file whose chunks these are
        self._size = 0
        self._covered = 0
        self._place = (0, 0)  # from where on the next chunk may lie

    def placed(self, entry: Mapping[str, Any]) -> TocEntry:
        """Return the next entry."""
        if entry["type"] == _CHUNK:
            if self._name is None or self._covered >= self._size or entry["name"] not in ("", self._name):
                raise ImageError("it has a chunk that belongs to no file")
            return TocEntry(None, self._chunk(entry))
        self.finish()
        member = _member(entry)
        self._name, self._size, self._covered = entry["name"], member.size, 0
        return TocEntry(member, self._chunk(entry) if member.size else None)

    def finish(self) -> None:
        """Raise ImageError when chunks of the last file are missing."""
        if self._covered != self._size:
            raise ImageError("the chunks of a file do not cover it")

    def _chunk(self, entry: Mapping[str, Any]) -> Chunk:
        at, left = self._covered, self._size - self._covered
        size = entry["chunkSize"] or left
        if entry["chunkOffset"] != at or size > left:
            raise ImageError("the chunks of a file do not follow each other")
        self._covered += size
        if entry["chunkType"] == _ZEROS:
            return Chunk(at, size, entry["offset"], 0, b"", zeros=True)
        if entry["chunkType"]:
            raise ImageError("it has a chunk of unknown type")
        place = entry["offset"], entry["innerOffset"]
        if place < self._place:
            raise ImageError("it does not list files in the order in which they lie")
        self._place = entry["offset"], entry["innerOffset"] + size
        digest = _DIGEST.fullmatch(entry["chunkDigest"] or (entry["digest"] if size == self._size else ""))
        if digest is None:
            raise ImageError("it has a chunk without a sha256")
        return Chunk(at, size, *place, bytes.fromhex(digest[1]), zeros=False)


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that count, each there and of its type."""
    for key in entry:
        if key not in _TEXTS and key not in _NUMBERS and key.casefold() in _READ:
            raise ImageError("a key of an entry is spelled as tools in Go read it, and others do not")
    fields: dict[str, Any] = {}
    for name in _NUMBERS:
        number = entry.get(name, 0)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _MOST:
            raise ImageError(f"the {name} of an entry is no number, or out of range")
        fields[name] = number
    for name in _TEXTS:
        text = entry.get(name, "")
        # A name that is not UTF-8 cannot be told in JSON: Go puts U+FFFD in its place.
        if not isinstance(text, str) or "\0" in text or "\ufffd" in text:
            raise ImageError(f"the {name} of an entry is no text, or not that of the archive")
        fields[name] = text
    return fields


def _member(entry: Mapping[str, Any]) -> tar.Member:
    flag = _FLAGS.get(entry["type"])
    if flag is None:
        raise ImageError("it has an entry of unknown type")
    try:
        name, link = entry["name"].encode(), entry["linkName"].encode()
    except UnicodeEncodeError as error:
        raise ImageError("a name in it is not UTF-8") from error
    size = entry["size"] if flag == tar.REGULAR else 0
    return tar.Member(name, flag, size, entry["mode"], link, size)
