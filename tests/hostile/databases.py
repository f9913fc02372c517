"""Package databases: dpkg, rpm in three formats, apk, Python, conda and Spack."""

from __future__ import annotations

import json
import lzma
import random
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.builders.layers import Entry, Layer, file, layer
from tests.builders.metadata_images import conda_record, spack_node, spack_spec
from tests.builders.rpm import header, rpmdb
from tests.builders.tarbytes import END, member
from tests.hostile.case import HONEST, MPI, Case, built, files, program, streamed, zeros

RECORDED = Path(__file__).parents[1] / "unit" / "image" / "recorded" / "rpm"
STATUS = "var/lib/dpkg/status"
SQLITE = "var/lib/rpm/rpmdb.sqlite"
GLIBC = {1000: "glibc", 1001: "2.34", 1002: "100.el9"}
PARAGRAPH = b"Package: p%d\nStatus: install ok installed\nVersion: 1\n\n"


def recorded(name: str) -> bytes:
    """Return a database that rpm wrote."""
    return lzma.decompress((RECORDED / f"{name}.xz").read_bytes())


def damaged(name: str, times: int = 200) -> bytes:
    """Return such a database with many bytes changed behind its first page."""
    data, luck = bytearray(recorded(name)), random.Random(7)
    for _ in range(times):
        data[luck.randrange(4096, len(data))] = luck.randrange(256)
    return bytes(data)


def rpm(*blobs: bytes, schema: str = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)") -> bytes:
    """Return an rpm database in SQLite."""
    with tempfile.TemporaryDirectory() as directory:
        return rpmdb(Path(directory) / "rpmdb.sqlite", *blobs, schema=schema)


def endless_view() -> bytes:
    """Return a database whose table is a view that never ends."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x"
        view = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS blob FROM n"
        return rpmdb(path, schema=f"CREATE VIEW Packages AS {view}")


def endless_default() -> bytes:
    """Return a database with a generated column that computes a gigabyte for each row."""
    column = "blob BLOB GENERATED ALWAYS AS (hex(zeroblob(500000000))) VIRTUAL"
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x"
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO Packages (hnum) VALUES (?)", [(n,) for n in range(1000)])
        database.execute(f"ALTER TABLE Packages ADD COLUMN {column}")
        database.commit()
        database.close()
        return path.read_bytes()


def many_metadata() -> Layer:
    """Return the metadata of 30,000 Python distributions."""
    metadata = b"Metadata-Version: 2.1\nName: n%d\nVersion: 1\n" + b"x" * 3000
    parts = (member(b"usr/lib/python3/dist-packages/n%d.dist-info/METADATA" % n, metadata % n) for n in range(30_000))
    return streamed([*parts, END])


def many_packages() -> Layer:
    """Return a status file of 60,000 packages."""
    return layer(file(STATUS, b"".join(PARAGRAPH % n for n in range(60_000))))


def large_database(number: int) -> Layer:
    """Return a layer with a database of 80 MiB of bytes that do not compress."""
    return zeros(SQLITE, 80 << 20, recorded("rpmdb.sqlite")[:4096], block=random.Random(number).randbytes(1 << 20))


def rewritten_database(number: int) -> Layer:
    """Return a layer with a database of 40 MiB that is sound."""
    text = f"{number} {'no needs ' * 20_000}"
    return layer(
        file(SQLITE, rpm(*(header({1000: f"p{n}", 1001: text[:9], 1002: "1", 1100: text}) for n in range(230))))
    )


def large_records() -> Iterator[Entry]:
    """Yield records of conda's with everything as long as it may be."""
    for number in range(20):
        depends = [f"d{n} >=1" for n in range(5_000)]
        paths = [f"lib/{n}/{'x' * 100}" for n in range(5_000)]
        yield file(f"opt/conda/conda-meta/p{number}-1-0.json", conda_record(depends, paths))


DEEP = b"[" * 100_000 + b"]" * 100_000

CASES = (
    Case(
        "dpkg-one-line",
        "a status file of 100 MiB in one line",
        built(lambda: zeros(STATUS, 100 << 20, b"Package: ", block=b"x" * (1 << 20))),
        limits=("is read only as far as",),
    ),
    Case(
        "dpkg-blanks",
        "a status file of 60 MiB of blank lines",
        built(lambda: zeros(STATUS, 60 << 20, b"Package: p\n", block=b"\n" * (1 << 20))),
    ),
    Case(
        "dpkg-spaces",
        "a status file of 60 MiB of spaces",
        built(lambda: zeros(STATUS, 60 << 20, b"Version:", block=b" " * (1 << 20))),
    ),
    Case(
        "dpkg-many",
        "60,000 packages, more than are read",
        built(many_packages),
        limits=("more than 50,000 packages",),
    ),
    Case(
        "dpkg-controls",
        "names and versions with control characters",
        files(
            file(
                STATUS,
                b'Package: li\x1b[2Jb\xff\xe2\x80\xae\nStatus: install ok installed\nVersion: 1\x07"}}{%\n\nPackage: libc6\nStatus: install ok installed\nVersion: \x9b31m\n',
            )
        ),
    ),
    Case(
        "dpkg-status-d",
        "5,000 files of distroless",
        files(*(file(f"var/lib/dpkg/status.d/p{n}", PARAGRAPH % n) for n in range(5_000))),
    ),
    Case(
        "rpm-sqlite-damaged",
        "an rpm database with damage",
        files(file(SQLITE, damaged("rpmdb.sqlite", 4000))),
        skipped=("of its packages are damaged",),
    ),
    Case(
        "rpm-sqlite-cut",
        "an rpm database that is cut",
        files(file(SQLITE, recorded("rpmdb.sqlite")[:20_000])),
        skipped=(SQLITE,),
    ),
    Case(
        "rpm-sqlite-none",
        "an rpm database that is text",
        files(file(SQLITE, b"not a database" * 100)),
        skipped=(SQLITE,),
    ),
    Case(
        "rpm-sqlite-view",
        "an rpm database whose table is a view that never ends",
        files(file(SQLITE, endless_view())),
        skipped=("no table Packages",),
    ),
    Case(
        "rpm-sqlite-generated",
        "an rpm database with a generated column of a gigabyte",
        files(file(SQLITE, endless_default())),
        skipped=(SQLITE,),
    ),
    Case(
        "rpm-header-lies",
        "rpm headers that count wrongly",
        files(
            file(
                SQLITE,
                rpm(
                    header(GLIBC),
                    struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF),
                    struct.pack(">II", 65535, 1),
                    b"",
                    bytes(7),
                ),
            )
        ),
    ),
    Case(
        "rpm-bdb-damaged",
        "a Berkeley DB with damage",
        files(file("var/lib/rpm/Packages", damaged("Packages", 4000))),
        skipped=("var/lib/rpm/Packages",),
    ),
    Case(
        "rpm-bdb-none",
        "a Berkeley DB that is none",
        files(file("var/lib/rpm/Packages", bytes(12) + b"\x61\x15\x06\0\x09\0\0\0" + b"\xff" * 8000)),
        skipped=("var/lib/rpm/Packages",),
    ),
    Case(
        "rpm-ndb-damaged",
        "an NDB with damage",
        files(file("var/lib/rpm/Packages.db", damaged("Packages.db", 4000))),
        skipped=("var/lib/rpm/Packages.db",),
    ),
    Case(
        "rpm-ndb-slots",
        "an NDB whose slots do not end",
        files(file("var/lib/rpm/Packages.db", b"RpmP" + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 1) + bytes(9000))),
        skipped=("cut short",),
    ),
    Case(
        "rpm-large",
        "three layers, each with 80 MiB of an rpm database",
        built(*(partial(large_database, number) for number in range(3))),
        limits=("is read only as far as",),
        skipped=(SQLITE,),
    ),
    Case(
        "rpm-many",
        "thirty layers, each with 40 MiB of rpm's",
        built(*(partial(rewritten_database, number) for number in range(30))),
    ),
    Case(
        "rpm-elf",
        "a program where rpm's database should be",
        files(file(SQLITE, program() + bytes(5 << 20))),
        facts={**HONEST, **MPI},
        limits=("is an ELF file, and no package database",),
    ),
    Case(
        "apk-odd",
        "an apk database of half lines",
        files(file("lib/apk/db/installed", b"P:\nV:\n\nP:musl\nV:1\n\nP:" + b"x" * 5_000_000 + b"\nV:1\n\n:\n\n::::")),
    ),
    Case("python-many", "30,000 Python distributions", built(many_metadata)),
    Case(
        "python-metadata",
        "metadata that is no text",
        files(
            file("usr/lib/python3/dist-packages/x.dist-info/METADATA", b"Name: \xff\x1b[2J\nVersion: \xe2\x80\xae1\n\n")
        ),
    ),
    Case("conda-deep", "a conda record 100,000 levels deep", files(file("opt/conda/conda-meta/x-1-0.json", DEEP))),
    Case("conda-large", "conda records of half a megabyte each", files(*large_records())),
    Case(
        "conda-types",
        "a conda record whose parts have other types",
        files(file("opt/conda/conda-meta/x-1-0.json", b'{"name":1,"version":[],"depends":{"a":1},"files":7}')),
    ),
    Case("spack-deep", "a spec of Spack's 100,000 levels deep", files(file("opt/x/.spack/spec.json", DEEP))),
    Case(
        "spack-loop",
        "a spec of Spack's whose packages use each other",
        files(file("opt/x/.spack/spec.json", spack_spec(spack_node("a", uses=("b",)), spack_node("b", uses=("a",))))),
    ),
    Case(
        "spack-many",
        "a spec of Spack's of 20,000 packages",
        files(file("opt/x/.spack/spec.json", spack_spec(*(spack_node(f"p{n}") for n in range(20_000))))),
    ),
    Case(
        "spack-types",
        "a spec of Spack's whose parts have other types",
        files(file("opt/x/.spack/spec.json", json.dumps({"spec": {"nodes": [1, None, {"name": []}]}}).encode())),
    ),
)
