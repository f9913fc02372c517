"""Package databases are hostile until read: no bytes make a reader fail, loop or give more than it got."""

import json
import lzma
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.image import packages, pkg_conda, pkg_json, pkg_rpm_sqlite, pkg_spack
from compatbuild.image.limits import DEFAULT

RECORDED = Path(__file__).parents[1] / "unit" / "image" / "recorded" / "rpm"
PATHS = {
    "Packages": "/var/lib/rpm/Packages",
    "Packages-big-endian": "/var/lib/rpm/Packages",
    "Packages.db": "/var/lib/rpm/Packages.db",
    "rpmdb.sqlite": "/var/lib/rpm/rpmdb.sqlite",
}
OTHERS = (
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status.d/base",
    "/lib/apk/db/installed",
    "/v/x.dist-info/METADATA",
    "/opt/conda/conda-meta/a-1-0.json",
    "/opt/a/.spack/spec.json",
)
MAGICS = st.sampled_from([b"", b"RpmP" + bytes(8), b"SQLite format 3\0", bytes(12) + b"\x61\x15\x06\0\x09\0\0\0"])
TEXTS = (
    b"Package: a\nVersion: 1\nArchitecture: amd64\n\nPackage: \xff\x1b\nVersion: 2\n",
    b"P:a\nV:1\nA:x\n\nP:\xe2\x80\xae\nV:\xff\n\n",
    b"Name: a\nVersion: \xff\n\nlong",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@cache
def recorded(name: str) -> bytes:
    return lzma.decompress((RECORDED / f"{name}.xz").read_bytes())


def installed(path: str, content: bytes) -> packages.Installed:
    return packages.installed({path}, {path: content}, DEFAULT)


@settings(max_examples=150)
@given(st.sampled_from([*PATHS.values(), *OTHERS]), MAGICS, st.binary(max_size=6000))
def test_any_bytes_can_be_read(path: str, magic: bytes, content: bytes) -> None:
    installed(path, magic + content)


@settings(max_examples=150)
@given(st.sampled_from(list(PATHS)), st.data())
def test_a_database_with_some_bytes_changed_can_be_read(name: str, data: st.DataObject) -> None:
    content = bytearray(recorded(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(piece)] = piece
    found = installed(PATHS[name], bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert len(found.packages) <= 21
    assert all(len(package.name) <= 512 for package in found.packages)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=6), st.integers(0, 4))
def test_members_are_those_that_json_reads(document: dict[str, object], indent: int) -> None:
    assert pkg_json.members(json.dumps(document, indent=indent or None)) == document


@given(st.lists(JSON, max_size=6), st.integers(min_value=0))
def test_what_is_cut_off_is_read_as_far_as_it_goes(document: list[object], cut: int) -> None:
    text = json.dumps([[item] for item in document])
    found = list(pkg_json.items(text[: cut % (len(text) + 1)]))
    assert found == [[item] for item in document][: len(found)]


@given(st.text(max_size=200))
def test_any_text_can_be_read_as_json(text: str) -> None:
    pkg_json.members(text)
    list(pkg_json.items(text))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "1" * 10_000 + "}"])
def test_depth_and_digits_without_end_are_no_json(text: str) -> None:
    assert pkg_json.members(text) == {}


@given(JSON)
def test_any_document_can_be_a_record(document: object) -> None:
    content = json.dumps({"spec": {"nodes": document}, "depends": document, "files": document}).encode()
    list(pkg_spack.specs(content))
    assert pkg_conda.record("/opt/conda/conda-meta/a-1-0.json", content) is not None


@settings(max_examples=150)
@given(st.sampled_from([*PATHS.values(), *OTHERS]), st.sampled_from(sorted(PATHS)), st.data())
def test_a_condensed_database_says_the_same(path: str, name: str, data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=2000) | st.just(recorded(name)) | st.sampled_from(TEXTS))
    condensed = packages.condensed(path, content, DEFAULT)
    assert packages.is_condensed(condensed)
    assert installed(path, condensed) == installed(path, content)


@settings(max_examples=100)
@given(
    st.sampled_from(list(PATHS.values())), st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
)
def test_what_only_looks_condensed_is_damaged(path: str, content: bytes) -> None:
    installed(path, packages.CONDENSED + content)


SIZES = st.integers(0, 40) | st.integers(400, 600) | st.integers(4_000, 4_200) | st.integers(30_000, 90_000)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([512, 1024, 4096, 65_536]), st.lists(SIZES, max_size=60), st.integers(0, 3))
def test_sqlite_is_read_as_sqlite_reads_it(page: int, sizes: list[int], gone: int) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"PRAGMA page_size = {page}")
        for name in ("Name", "Packages", "Requirename"):
            database.execute(f"CREATE TABLE {name} (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        for number, size in enumerate(sizes):
            blob = number.to_bytes(4, "big") + bytes(size)
            for name in ("Name", "Packages"):
                database.execute(f"INSERT INTO {name} (blob) VALUES (?)", (blob,))
        if gone:
            database.execute("DELETE FROM Packages WHERE hnum % 4 = ?", (gone,))
        database.commit()
        told = [blob for (blob,) in database.execute("SELECT blob FROM Packages ORDER BY hnum")]
        assert list(pkg_rpm_sqlite.headers(database.serialize())) == told
