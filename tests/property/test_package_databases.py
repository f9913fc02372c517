"""Package databases are hostile until read: no bytes make a reader fail, loop or give more than it got."""

import json
import lzma
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.image import packages, pkg_conda, pkg_json, pkg_spack
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
