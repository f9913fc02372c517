"""Layers with a table of contents: by the libraries that tools write theirs with, and by hand, so that they can lie."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builders.layers import MEDIA_TYPES, Entry, Layer, sha256
from tests.peers import peer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Document = dict[str, Any]

WRITERS = {
    "estargz": ("estargz",),
    "estargz-packed": ("-chunk", "100000", "-least", "50000", "estargz"),
    "stargz-zstd": ("-chunk", "65536", "stargz-zstd"),
    "zstd-chunked": ("zstd-chunked",),
}
"""What ``tests/peers/toclayer`` writes: as BuildKit does; with several files in a gzip member; nerdctl; podman."""
TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED = "io.github.containers.zstd-chunked."
TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.FIFOTYPE: "fifo",
}
END = bytes(1024)


def written(archive: bytes, writer: str, target: Path) -> Layer:
    """Return the layer that a real writer makes of an archive."""
    command = [str(peer("toclayer")), *WRITERS[writer], str(target)]
    said = json.loads(subprocess.run(command, input=archive, capture_output=True, check=True).stdout)
    diff_id = said.pop("diffID", sha256(archive))
    return Layer(target.read_bytes(), diff_id, MEDIA_TYPES["gzip" if writer.startswith("estargz") else "zstd"], said)


@dataclass
class Listed:
    """A layer written by hand; ``chunk`` is the most bytes of a chunk.

    ``edit`` changes the table before it is written, whose digest is still right; ``digest`` and ``footer`` stand in for
    what is true of it.
    """

    entries: Sequence[Entry]
    chunk: int = 1 << 20
    zstandard: bool = False
    edit: Callable[[Document], object] | None = None
    digest: str = ""
    footer: bytes = b""
    text: Callable[[str], bytes] = str.encode
    _blob: bytearray = field(default_factory=bytearray)
    _content: bytearray = field(default_factory=bytearray)
    _pending: bytearray = field(default_factory=bytearray)
    _table: list[Document] = field(default_factory=list)

    def layer(self) -> Layer:
        """Write it."""
        for entry in self.entries:
            self._member(entry)
        if self.zstandard:
            self._pending += END
        self._flush()
        document: Document = {"version": 1, "entries": self._table}
        if self.edit is not None:
            self.edit(document)
        table = self.text(json.dumps(document))
        annotations = self._chunked(table) if self.zstandard else self._stargz(table)
        kind = MEDIA_TYPES["zstd" if self.zstandard else "gzip"]
        return Layer(bytes(self._blob), sha256(bytes(self._content)), kind, annotations)

    def _member(self, entry: Entry) -> None:
        info = tarfile.TarInfo(entry.path + "/" * (entry.kind == tarfile.DIRTYPE))
        info.type, info.mode, info.linkname, info.size = entry.kind, entry.mode, entry.target, len(entry.content)
        self._pending += info.tobuf(tarfile.GNU_FORMAT)
        told: Document = {"name": info.name, "type": TYPES[entry.kind], "mode": entry.mode}
        told |= {"linkName": entry.target} if entry.target else {}
        self._table.append(told)
        if not entry.content:
            return
        told |= {"size": len(entry.content), "digest": sha256(entry.content)}
        for at in range(0, len(entry.content), self.chunk):
            self._flush()
            piece = entry.content[at : at + self.chunk]
            if at:
                told = {"name": info.name, "type": "chunk", "chunkOffset": at}
                self._table.append(told)
            told |= {"offset": len(self._blob), "chunkDigest": sha256(piece)}
            if len(piece) < len(entry.content) - at:
                told["chunkSize"] = len(piece)
            self._pending += piece
        self._pending += bytes(-len(entry.content) % 512)

    def _flush(self) -> None:
        if self._pending:
            content = bytes(self._pending)
            self._content += content
            self._blob += zstd.compress(content) if self.zstandard else gzip.compress(content, 6, mtime=0)
            self._pending.clear()

    def _stargz(self, table: bytes) -> dict[str, str]:
        info = tarfile.TarInfo("stargz.index.json")
        info.size, info.mode, start = len(table), 0o444, len(self._blob)
        self._pending += info.tobuf() + table + bytes(-len(table) % 512) + END
        self._flush()
        self._blob += self.footer or stargz_footer(start)
        return {TOC_DIGEST: self.digest or sha256(table)}

    def _chunked(self, table: bytes) -> dict[str, str]:
        stored = zstd.compress(table)
        place = f"{len(self._blob) + 8}:{len(stored)}:{len(table)}:1"
        self._blob += skippable(stored) + skippable(bytes(56) + b"GNUlInUx")
        return {f"{CHUNKED}manifest-checksum": self.digest or sha256(stored), f"{CHUNKED}manifest-position": place}


def stargz_footer(start: int) -> bytes:
    """Return the last bytes of an eStargz layer whose table begins at an offset."""
    extra = b"SG\x16\x00" + b"%016xSTARGZ" % start
    return b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff\x1a\x00" + extra + b"\x01\x00\x00\xff\xff" + bytes(8)


def skippable(content: bytes) -> bytes:
    """Return a zstd frame that decoders pass over."""
    return b"\x50\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
