"""RPM headers, and databases of them in SQLite."""

import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path


def header(tags: Mapping[int, str | int]) -> bytes:
    """Return an RPM header as the database holds it."""
    entries, data = b"", b""
    for tag, value in tags.items():
        if isinstance(value, int):
            data += bytes(-len(data) % 4)
            entries += struct.pack(">IIII", tag, 4, len(data), 1)
            data += struct.pack(">I", value)
        else:
            entries += struct.pack(">IIII", tag, 6, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">II", len(tags), len(data)) + entries + data


def rpmdb(
    path: Path, *blobs: bytes, schema: str = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)"
) -> bytes:
    """Return a database as rpm writes it, in WAL mode."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(schema)
        for blob in blobs:
            database.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()
