"""RPM databases in SQLite: what rpm writes since 4.16 (Fedora 33, RHEL 9), one header a row of ``Packages``."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from compatbuild.image.pkg_rpm_database import MAX_HEADER, UnreadableError

MAX_STEPS = 20_000_000
"""Virtual machine steps of SQLite, so that a crafted schema cannot compute for ever; 3,000 packages take 60,000."""


def headers(content: bytes) -> Iterator[bytes]:
    """Yield the headers of a database in memory; UnreadableError when SQLite cannot read it."""
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
                if isinstance(blob, bytes):
                    yield blob
    except UnicodeError as error:  # sqlite3 decodes SQLite's own message, which may quote bytes of a damaged schema
        raise UnreadableError("its schema is damaged") from error
    except (sqlite3.Error, AttributeError, MemoryError) as error:  # AttributeError: an SQLite built without deserialize
        raise UnreadableError(str(error)) from error
