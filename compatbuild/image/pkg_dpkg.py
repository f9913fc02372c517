"""Debian packages: the status file of dpkg, and distroless's directory of one file a package."""

import re
from collections.abc import Iterator

from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.view import Package

STATUS = "/var/lib/dpkg/status"
STATUS_DIRECTORY = "/var/lib/dpkg/status.d/"
"""Where distroless images (GoogleContainerTools/distroless) keep one paragraph a package, beside ``.md5sums`` files."""
MAX_FIELD = 512
"""Bytes of a field that is looked at; Debian's longest names and versions are below 100."""

_FIELD = re.compile(rb"^(Package|Status|Version|Architecture):[ \t]*+([^\n]*+)|^[ \t]*+\n[ \t\n]*+", re.MULTILINE)
"""A field, or all blank lines up to the next text at once: a database may be sixty million of them."""


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie."""
    return (FileInterest(STATUS, limits.status), FileInterest(STATUS_DIRECTORY + "*", limits.script))


def reads(path: str) -> bool:
    """Say whether a file is a database of this kind."""
    return path == STATUS or (path.startswith(STATUS_DIRECTORY) and not path.endswith(".md5sums"))


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the installed packages of a status file (deb822 paragraphs, dpkg(1)).

    A paragraph without Status, as in distroless, is of an installed package; one of a removed package whose
    configuration files were left is not.
    """
    fields: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(content):
        if match[1]:
            fields[match[1]] = match[2][: 8 * MAX_FIELD].strip()
        elif fields:
            yield from _package(path, fields)
            fields = {}
    yield from _package(path, fields)


def _package(path: str, fields: dict[bytes, bytes]) -> Iterator[Package]:
    installed = fields.get(b"Status", b"ok installed").split()[-1:] == [b"installed"]
    name, version, architecture = (
        fields.get(key, b"")[:MAX_FIELD].decode("utf-8", "replace") for key in (b"Package", b"Version", b"Architecture")
    )
    if installed and name and version:
        yield Package("deb", name, version, path, architecture)
