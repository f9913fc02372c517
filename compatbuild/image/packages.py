"""The package databases of an image, all kinds together.

A database is mostly what nobody asks about: descriptions, change logs, lists of files. So where only its packages are
wanted a layer keeps it condensed, as a list of them; a hundred layers that each rewrite it take no memory to speak of.
"""

import struct
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from compatbuild.image import pkg_apk, pkg_conda, pkg_dpkg, pkg_pypi, pkg_rpm, pkg_spack
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.pkg_rpm_database import UnreadableError
from compatbuild.image.view import Package

CONDENSED = b"packages, condensed\n"
"""What a condensed database begins with; no real one does."""
_LENGTH = struct.Struct(">H")
_LONGEST = 0xFFFF

_Reads = Callable[[str], bool]
_Read = Callable[[str, bytes], Iterator[Package]]
_KINDS = (pkg_dpkg, pkg_apk, pkg_rpm, pkg_pypi, pkg_conda, pkg_spack)
_READERS: tuple[tuple[_Reads, _Read], ...] = tuple((kind.reads, kind.read) for kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed, sorted; ``skipped`` are databases that were not read (what, why), ``limits`` what was cut."""

    packages: tuple[Package, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie, and how much of each is kept."""
    return tuple(interest for kind in _KINDS for interest in kind.files(limits))


def is_database(path: str) -> bool:
    """Say whether a file is a package database."""
    return any(reads(path) for reads, _ in _READERS)


def condensed(path: str, content: bytes, limits: Limits) -> bytes:
    """Return a database as ``installed`` reads it too: its packages, and why it was not read to its end if it was not.

    Of more packages than the limit it has one, so that the cut is seen.
    """
    rows, error = bytearray(), ""
    try:
        for one in islice(_packages(path, content), limits.packages + 1):
            for field in (one.ecosystem, one.name, one.version, one.architecture):
                rows += _field(field)
    except UnreadableError as unreadable:
        error = str(unreadable)
    return b"".join((CONDENSED, _field(error), rows))


def is_condensed(content: bytes) -> bool:
    """Say whether what was kept of a file is a database condensed."""
    return content.startswith(CONDENSED)


def installed(paths: Container[str], files: Mapping[str, bytes], limits: Limits) -> Installed:
    """Read every database among the kept files; ``paths`` are all paths of the image."""
    found: set[Package] = set()
    skipped: list[tuple[str, str]] = []
    for path in sorted(files):
        if is_database(path) and not pkg_rpm.superseded(path, paths):
            try:
                for package in _packages(path, files[path]):
                    found.add(package)
                    if len(found) > limits.packages:
                        break
            except UnreadableError as error:
                skipped.append(("packages", f"{path} cannot be read: {error}"))
        if len(found) > limits.packages:
            cut = f"more than {limits.packages:,} packages: the others in {path} and later databases are left out"
            return Installed(_sorted(found), tuple(skipped), (cut,))
    return Installed(_sorted(found), tuple(skipped))


def _packages(path: str, content: bytes) -> Iterator[Package]:
    if is_condensed(content):
        yield from _listed(path, content)
    else:
        for reads, read in _READERS:
            if reads(path):
                yield from read(path, content)


def _field(text: str) -> bytes:
    """Return a text with its length before it: names may hold any character, and none takes more room than it is."""
    encoded = text.encode("utf-8", "replace")[:_LONGEST]
    return _LENGTH.pack(len(encoded)) + encoded


def _listed(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a condensed database; UnreadableError when the database was, or this is none."""
    error, *fields = _fields(content, len(CONDENSED))
    if len(fields) % 4:
        raise UnreadableError("what was kept of it is damaged")
    for kind, name, version, architecture in zip(*[iter(fields)] * 4, strict=True):
        yield Package(kind, name, version, path, architecture)
    if error:
        raise UnreadableError(error)


def _fields(content: bytes, at: int) -> Iterator[str]:
    """Yield the texts from a place on: at least one."""
    while True:
        start = at + _LENGTH.size
        at = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or at > len(content):
            raise UnreadableError("what was kept of it is damaged")
        yield content[start:at].decode("utf-8", "replace")
        if at == len(content):
            return


def _sorted(found: set[Package]) -> tuple[Package, ...]:
    return tuple(sorted(found, key=lambda p: (p.ecosystem, p.name, p.version, p.architecture, p.path)))
