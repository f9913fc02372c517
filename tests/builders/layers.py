"""Layers made from a list of entries, written by the standard library's ``tarfile``: what the reader must understand."""

import gzip
import hashlib
import io
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEDIA_TYPES = {
    "plain": "application/vnd.oci.image.layer.v1.tar",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


@dataclass(frozen=True)
class Entry:
    """One tar member; ``kind`` is a tarfile type."""

    path: str
    kind: bytes = tarfile.REGTYPE
    content: bytes = b""
    target: str = ""
    mode: int = 0o644


@dataclass(frozen=True)
class Layer:
    """A layer as it is stored, with its diff ID, and the annotations of its descriptor."""

    blob: bytes
    diff_id: str
    media_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest of the stored bytes."""
        return sha256(self.blob)


def file(path: str, content: bytes = b"content", mode: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(path, content=content, mode=mode)


def directory(path: str, mode: int = 0o755) -> Entry:
    """Return a directory."""
    return Entry(path, tarfile.DIRTYPE, mode=mode)


def symlink(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, tarfile.SYMTYPE, target=target, mode=0o777)


def hardlink(path: str, target: str) -> Entry:
    """Return a hard link to another member's path."""
    return Entry(path, tarfile.LNKTYPE, target=target)


def whiteout(path: str) -> Entry:
    """Return what removes a path of lower layers."""
    parent, slash, name = path.rpartition("/")
    return Entry(f"{parent}{slash}.wh.{name}")


def opaque(path: str) -> Entry:
    """Return what hides all that lower layers have in a directory."""
    return Entry(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq")


def tar(entries: Sequence[Entry], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tar archive of the entries in their order."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:", format=form) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.type, info.mode, info.linkname, info.size = entry.kind, entry.mode, entry.target, len(entry.content)
            archive.addfile(info, io.BytesIO(entry.content))
    return target.getvalue()


def stored(content: bytes, compress: str = "gzip") -> bytes:
    """Return bytes compressed one way."""
    if compress == "gzip":
        return gzip.compress(content, mtime=0)
    return zstd.compress(content) if compress == "zstd" else content


def layer(*entries: Entry, compress: str = "gzip") -> Layer:
    """Return a layer of the entries."""
    content = tar(entries)
    return Layer(stored(content, compress), sha256(content), MEDIA_TYPES[compress])


def sha256(content: bytes) -> str:
    """Return the digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
