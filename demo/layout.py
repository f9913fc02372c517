"""An OCI image layout, written byte for byte the same from the same trees.

Formats: image-layout.md, manifest.md, config.md and layer.md of the OCI Image Specification 1.1.
"""

import hashlib
import io
import json
import posixpath
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from isal import isal_zlib

from demo.machine import DemoError
from demo.tree import Directory, File, Link, Tree

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REF_NAME = "org.opencontainers.image.ref.name"

GZIP = 31  # zlib's window bits for a gzip wrapper; its header then has neither a name nor a time
LEVEL = 3  # the best of isal's, near zlib's 6 in size and ten times as fast


class Compressor(Protocol):
    """Compresses what comes in pieces, as zlib's objects do."""

    def compress(self, data: Any, /) -> bytes:
        """Return what is ready after more bytes."""

    def flush(self) -> bytes:
        """Return the rest."""


@dataclass(frozen=True)
class Packing:
    """How layers are compressed: their media type, and what begins to compress one."""

    media_type: str
    begin: Callable[[], Compressor]


QUICK = Packing(LAYER, lambda: isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, GZIP))


@dataclass(frozen=True)
class Layer:
    """A layer as the manifest (its descriptor) and the config (its diff ID, what made it) speak of it.

    ``plain`` is how many bytes it has decompressed.
    """

    descriptor: dict[str, Any]
    diff_id: str
    made_by: str
    plain: int


class Layout:
    """A layout under construction; ``created`` is the time in seconds since 1970 that everything in it bears."""

    def __init__(self, root: Path, created: int, packing: Packing = QUICK) -> None:
        self.root, self.created, self._packing = root, created, packing
        self._blobs = root / "blobs" / "sha256"
        _cleared(root)
        self._blobs.mkdir(parents=True)

    def layer(self, tree: Tree, made_by: str) -> Layer:
        """Pack a tree into a compressed layer."""
        partial = self._blobs / "partial"
        with partial.open("wb") as stream:
            sink = _Packed(stream, self._packing.begin())
            with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for member, data in _members(tree, self.created):
                    archive.addfile(member, io.BytesIO(data))
            sink.close()
        digest = sink.stored.hexdigest()
        partial.rename(self._blobs / digest)
        descriptor = _descriptor(self._packing.media_type, digest, sink.size)
        return Layer(descriptor, f"sha256:{sink.diff.hexdigest()}", made_by, sink.plain)

    def image(self, layers: Iterable[Layer], config: Mapping[str, Any], tag: str) -> str:
        """Write config, manifest and index for layers, lowest first; return the manifest's digest."""
        layers, time = tuple(layers), datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = {
            "created": time,
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": time, "created_by": layer.made_by} for layer in layers],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._json(CONFIG, document),
            "layers": [layer.descriptor for layer in layers],
        }
        descriptor = self._json(MANIFEST, manifest)
        listed = descriptor | {
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {REF_NAME: tag},
        }
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}
        (self.root / "index.json").write_bytes(_encoded(index))
        (self.root / "oci-layout").write_bytes(_encoded({"imageLayoutVersion": "1.0.0"}))
        return str(descriptor["digest"])

    def _json(self, media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
        data = _encoded(document)
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return _descriptor(media_type, digest, len(data))


class _Packed(io.RawIOBase):
    """Compresses what is written to it; hashes and counts it before (``diff``, ``plain``) and after (``stored``)."""

    def __init__(self, stream: io.BufferedWriter, compressor: Compressor) -> None:
        self._stream = stream
        self._compressor = compressor
        self.diff, self.stored, self.plain, self.size = hashlib.sha256(), hashlib.sha256(), 0, 0

    def write(self, data: Any) -> int:
        self.diff.update(data)
        self.plain += len(data)
        self._store(self._compressor.compress(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._store(self._compressor.flush())
        super().close()

    def _store(self, data: bytes) -> None:
        self.stored.update(data)
        self.size += len(data)
        self._stream.write(data)


def _members(tree: Tree, created: int) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the tar members of a tree sorted by path, parents before what they hold, all root's and of one time."""
    parents = {parent for path in tree for parent in _parents(path)}
    for path, entry in sorted((dict.fromkeys(parents, Directory()) | tree).items()):
        member = tarfile.TarInfo(path.lstrip("/"))
        member.mtime, data = created, b""
        match entry:
            case File():
                data = entry.read()
                member.size, member.mode = len(data), 0o755 if entry.executable else 0o644
            case Link():
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.target, 0o777
            case Directory():
                member.type, member.mode = tarfile.DIRTYPE, entry.mode
        yield member, data


def _parents(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path


def _cleared(root: Path) -> None:
    """Remove an earlier layout; anything else that is in the way stays, and is an error."""
    if (root / "oci-layout").is_file():
        shutil.rmtree(root)
    elif root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise DemoError(
            f"{root} is not written",
            why="something that is not an OCI layout is already there",
            remedy="Name a directory that does not exist yet, or remove this one",
        )


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
