"""Python distributions: the core metadata of ``*.dist-info`` and ``*.egg-info`` (PyPA specifications)."""

from collections.abc import Iterator

from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.view import Package

METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info")
MAX_FIELD = 512
"""Bytes of a name or version that are looked at."""


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the metadata lies; its fields come first, the long description after a blank line is not needed."""
    return tuple(FileInterest(f"/**/*{ending}", limits.script) for ending in METADATA)


def reads(path: str) -> bool:
    """Say whether a file is a distribution's metadata."""
    return path.endswith(METADATA)


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the distribution that a metadata file describes, if it has a name and a version."""
    fields: dict[str, str] = {}
    header = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for line in header.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon and key in (b"Name", b"Version"):
            fields.setdefault(key.decode(), value[:MAX_FIELD].decode("utf-8", "replace").strip())
    if fields.get("Name") and fields.get("Version"):
        yield Package("pypi", fields["Name"], fields["Version"], path)
