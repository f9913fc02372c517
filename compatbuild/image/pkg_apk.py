"""Alpine packages: the installed database of apk (``P:`` name, ``V:`` version, ``A:`` architecture, apk-package(5))."""

import re
from collections.abc import Iterator

from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.view import Package

INSTALLED = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
"""The database of apk-tools 2, and where a system with merged /usr has it."""
MAX_FIELD = 512
"""Bytes of a field that is looked at."""

_FIELD = re.compile(rb"^([PVA]):([^\n]*+)|^\n++", re.MULTILINE)


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie."""
    return tuple(FileInterest(path, limits.status) for path in INSTALLED)


def reads(path: str) -> bool:
    """Say whether a file is a database of this kind."""
    return path in INSTALLED


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of an installed database; a blank line ends each."""
    fields: dict[bytes, str] = {}
    for match in _FIELD.finditer(content + b"\n\n"):
        if match[1]:
            fields[match[1]] = match[2][:MAX_FIELD].decode("utf-8", "replace").strip()
        else:
            if fields.get(b"P") and fields.get(b"V"):
                yield Package("apk", fields[b"P"], fields[b"V"], path, fields.get(b"A", ""))
            fields = {}
