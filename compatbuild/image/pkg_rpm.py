"""RPM packages: the SQLite database that rpm writes since 4.16 (Fedora 33, RHEL 9, SLE 15 SP4 by choice).

The table ``Packages`` holds one header a package, in the format of RPM's header structure without its magic
(rpm.org, "RPM V4 Package format"): counts of index entries and data bytes, the entries (tag, type, offset, count), the
data; all numbers big-endian. The older Berkeley DB and NDB databases are not read, and the view says so.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import MIB, Limits
from compatbuild.image.view import Package

DIRECTORIES = ("/var/lib/rpm/", "/usr/lib/sysimage/rpm/", "/usr/share/rpm/")
"""Where distributions keep the database: classic, Fedora 36 and SUSE, image-based systems."""
DATABASES = tuple(directory + "rpmdb.sqlite" for directory in DIRECTORIES)
OTHER_FORMATS = {"Packages": "Berkeley DB", "Packages.db": "NDB"}
"""File names of the formats that are not read."""

NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE = 1000, 1001, 1002, 1003, 1022  # rpmtag.h
_INT32, _STRING, _I18N_STRING = 4, 6, 9  # rpmTagType_e
MAX_TAGS = 0xFFFF
"""Index entries of a header, rpm's own limit (lib/header.c)."""
MAX_FIELD = 512
"""Bytes of a text that is looked at."""
MAX_HEADER = 32 * MIB
"""Bytes of one header; rpm's own limit is 256 MiB, the largest real ones (kernel packages) have 2."""
MAX_STEPS = 20_000_000
"""Virtual machine steps of SQLite, so that a crafted schema cannot compute for ever; 3,000 packages take 60,000."""

_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">iIiI")


class UnreadableError(Exception):
    """A database that cannot be read, and why."""


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie."""
    return tuple(FileInterest(path, limits.database) for path in DATABASES)


def reads(path: str) -> bool:
    """Say whether a file is a database of this kind."""
    return path in DATABASES


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a database in memory; UnreadableError when SQLite cannot read it."""
    # rpm leaves the database in WAL mode, which needs a second file; bytes 18 and 19 say so (sqlite.org, fileformat2).
    image = content[:18] + b"\1\1" + content[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(image)
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_HEADER)
            database.execute("PRAGMA trusted_schema = OFF")
            database.set_progress_handler(lambda: 1, MAX_STEPS)
            kind = database.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'").fetchone()
            if kind != ("table",):
                raise UnreadableError("it has no table Packages")
            for (blob,) in database.execute("SELECT blob FROM Packages"):
                yield from _package(path, blob)
    except (sqlite3.Error, AttributeError, MemoryError) as error:  # AttributeError: an SQLite built without deserialize
        raise UnreadableError(str(error)) from error


def _package(path: str, blob: object) -> Iterator[Package]:
    """Yield the package of one header; nothing when the header is damaged or is a key that rpm trusts."""
    tags = _tags(blob) if isinstance(blob, bytes) else {}
    name, version, release = (str(tags.get(tag, "")) for tag in (NAME, VERSION, RELEASE))
    if name and version and name != "gpg-pubkey":
        epoch = f"{tags[EPOCH]}:" if tags.get(EPOCH) else ""
        yield Package("rpm", name, f"{epoch}{version}-{release}", path, str(tags.get(ARCHITECTURE, "")))


def _tags(blob: bytes) -> dict[int, str | int]:
    """Return the few tags that matter of a header."""
    found: dict[int, str | int] = {}
    if len(blob) < _COUNTS.size:
        return found
    count, _ = _COUNTS.unpack_from(blob)
    start = _COUNTS.size + count * _ENTRY.size
    if count > MAX_TAGS or start > len(blob):
        return found
    for tag, kind, offset, _ in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
        at = start + offset
        if tag in (NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE) and start <= at < len(blob):
            if kind == _INT32:
                found[tag] = int.from_bytes(blob[at : at + 4], "big")
            elif kind in (_STRING, _I18N_STRING):
                found[tag] = blob[at : at + MAX_FIELD].partition(b"\0")[0].decode("utf-8", "replace")
    return found
