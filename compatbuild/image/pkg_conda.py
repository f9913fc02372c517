"""Conda packages: one record a package in ``conda-meta`` of every environment (``NAME-VERSION-BUILD.json``).

Name, version and build are those of the file's name, which conda itself goes by. Of the content the dependencies and
the list of files matter, which conda, mamba and pixi all write before the long list of ``paths_data``.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compatbuild.image import pkg_json
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import MIB, Limits
from compatbuild.image.view import Package

RECORDS = FileInterest("/**/conda-meta/*.json", MIB)
"""The records with their dependencies and, of all but the largest packages, their files."""
MAX_ITEMS = 100_000
"""Dependencies or files of a record; the largest real packages have 20,000 files."""
MAX_TEXT = 1_000
"""Characters of a dependency or of a file's path."""

_NAME = re.compile(r"/conda-meta/([a-z0-9_.-]{1,200})-([A-Za-z0-9_.!+]{1,100})-([A-Za-z0-9_.+]{1,100})\.json$")


@dataclass(frozen=True, slots=True)
class Record:
    """One installed package; ``prefix`` is its environment's root, ``files`` absolute paths, perhaps not all of them.

    ``depends`` and ``constrains`` are match specifications: ``__cuda >=12``.
    """

    name: str
    version: str
    build: str
    prefix: str
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the records lie; of their content the list of packages takes no more than that it is an object."""
    return (FileInterest(RECORDS.glob, min(limits.script, 64)),)


def reads(path: str) -> bool:
    """Say whether a file is a record."""
    return _NAME.search(path) is not None


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a record."""
    match = _NAME.search(path)
    if match and content.lstrip()[:1] == b"{":
        yield Package("conda", match[1], match[2], path)


def record(path: str, content: bytes) -> Record | None:
    """Return what a record says, None for a file that is none."""
    match = _NAME.search(path)
    if match is None:
        return None
    found = pkg_json.members(pkg_json.text_of(content))
    prefix = path[: match.start()]
    files = tuple(posixpath.normpath(f"{prefix}/{name}") for name in _texts(found.get("files")))
    return Record(
        match[1], match[2], match[3], prefix, _texts(found.get("depends")), _texts(found.get("constrains")), files
    )


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value[:MAX_ITEMS] if isinstance(item, str) and len(item) <= MAX_TEXT)
