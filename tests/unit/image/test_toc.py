"""Layers read by their tables of contents: what is got, what is not, and what makes them be read as a whole."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.limits import DEFAULT
from compatbuild.image.toc import TAIL, TocPlace, toc_place
from compatbuild.image.toc_layer import TocLayer
from tests.builders.elf import elf
from tests.builders.images import blob_layer
from tests.builders.layers import Entry, Layer, directory, file, hardlink, layer, sha256, symlink, whiteout
from tests.builders.partly import EAGER, Memory, by_toc, differences, streamed
from tests.builders.toc import CHUNKED, TOC_DIGEST, Document, Listed, stargz_footer

MIB = 1 << 20
DATA = Random(1).randbytes(12 * MIB)
LIBRARY = elf(needed=["libmpi.so.40"])


def entries(data: bytes) -> tuple[Entry, ...]:
    return (
        directory("usr/lib"),
        file("usr/lib/libx.so.1", LIBRARY),
        file("usr/share/model.bin", data),
        symlink("lib", "usr/lib"),
        file("lib/c.conf", b"x" * 200),
        hardlink("usr/lib/liby.so", "usr/lib/libx.so.1"),
        whiteout("usr/old"),
        file("etc/os-release", b"ID=debian\n"),
    )


ENTRIES = entries(DATA)
PAGE = 1 << 13
FEW = entries(DATA[: 12 * PAGE])
"""The same, smaller: as many chunks, where one has PAGE bytes."""
SHA = "sha256:" + "0" * 64
Edit = Callable[[Document], object]


@pytest.mark.parametrize("zstandard", [False, True])
def test_only_what_is_wanted_is_got(zstandard: bool) -> None:  # noqa: FBT001
    made = Listed(ENTRIES, zstandard=zstandard).layer()
    read = by_toc(made)
    assert read.by_toc
    assert not differences(read.facts, streamed(made))
    assert read.facts.elves.keys() == {"/usr/lib/libx.so.1", "/usr/lib/liby.so"}
    assert read.data.got < 2 * MIB + TAIL
    assert len(read.data.asked) <= 4
    got = f"{read.data.got:,} of {len(made.blob):,} bytes in {len(read.data.asked)} requests"
    assert read.said == [f"the layer: {got}, by its table of contents"]
    assert sum(read.ticks) == len(made.blob)


def test_a_program_that_does_not_look_like_one_is_found_and_read_to_its_end() -> None:
    program = elf(needed=["libcuda.so.1"]) + DATA[: 2 * MIB]
    made = Listed([file("usr/share/data.bin", program), *ENTRIES], 1 << 16).layer()
    read = by_toc(made)
    assert read.by_toc
    assert read.facts.elves["/usr/share/data.bin"].needed == ("libcuda.so.1",)
    assert not differences(read.facts, streamed(made))
    assert len(read.data.asked) <= 6


def test_what_looks_like_a_program_is_expected_to_be_read_and_ranges_are_left() -> None:
    made = Listed([file("usr/bin/huge", DATA, mode=0o755)]).layer()
    read = by_toc(made)
    assert not read.said
    assert not differences(read.facts, streamed(made))
    assert read.data.got <= TAIL


def test_ranges_are_given_up_where_they_become_dearer_than_the_layer() -> None:
    programs = [file(f"data/{number}.bin", elf(needed=["libc.so.6"]) + DATA[: 3 * MIB]) for number in range(4)]
    made = Listed(programs, 1 << 16).layer()
    read = by_toc(made)
    assert "more of it is needed" in read.said[0]
    assert not differences(read.facts, streamed(made))


def test_the_table_of_a_small_layer_is_not_looked_at() -> None:
    read = by_toc(Listed(ENTRIES[:2]).layer())
    assert not read.data.asked
    assert not read.said


def test_a_layer_is_known_by_what_was_read_of_it() -> None:
    """Two images may name one layer, and only one of them a table that lies: they must not be taken for the same."""
    made = Listed(ENTRIES).layer()
    place = toc_place(made.annotations)
    assert place is not None
    one = TocLayer(blob_layer(made), Memory(made.blob), place, print)
    assert (one.digest, one.diff_id, one.size) == (made.annotations[TOC_DIGEST], made.diff_id, len(made.blob))
    assert one.digest != made.digest


def test_zeros_are_not_got() -> None:
    def edit(document: Document) -> None:
        first, second, third = document["entries"]
        second |= {"chunkType": "zeros"}
        del second["chunkDigest"]
        assert third["chunkOffset"] == 2 * MIB, first

    content = elf(needed=["libc.so.6"]).ljust(MIB, b"\1") + bytes(MIB) + DATA[:MIB]
    made = Listed([file("x.bin", content)], zstandard=True, edit=edit).layer()
    read = by_toc(made, thrift=EAGER, small=0)
    assert read.by_toc
    assert not differences(read.facts, streamed(made))


def test_a_file_of_countless_zeros_is_no_work() -> None:
    """Of a table that says so little, nothing is believed that would take long to look at."""

    def edit(document: Document) -> None:
        (entry,) = document["entries"]
        entry |= {"size": 1 << 61, "chunkType": "zeros"}

    for path in ("x.bin", "a.jar"):
        made = Listed([file(path, b"\0" * 10)], zstandard=True, edit=edit).layer()
        limits = replace(DEFAULT, layer_bytes=MIB)
        read = by_toc(made, thrift=EAGER, small=0, limits=limits)
        assert read.by_toc == (path == "x.bin")


def entry(number: int, **fields: Any) -> Edit:
    """Change fields of an entry; None takes one away."""

    def edit(document: Document) -> None:
        changed = document["entries"][number]
        changed |= fields
        for name in [name for name, value in fields.items() if value is None]:
            del changed[name]

    return edit


def dropped(number: int) -> Edit:
    return lambda document: document["entries"].pop(number)


def swapped(document: Document) -> None:
    table = document["entries"]
    table[1], table[-1] = table[-1], table[1]


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "another version": ({"edit": lambda document: document.update(version=2)}, "version"),
    "a version that is true": ({"edit": lambda document: document.update(version=True)}, "version"),
    "entries that are no list": ({"edit": lambda document: document.update(entries={})}, "not JSON"),
    "an entry that is no object": ({"edit": lambda document: document["entries"].append(1)}, "no object"),
    "a key that tools in Go read": ({"edit": entry(1, Size=1)}, "spelled"),
    "a key that tools in Go fold": (
        {"edit": lambda document: document["entries"][1].update({"\u017fize": 1})},
        "spelled",
    ),
    "an unknown type": ({"edit": entry(0, type="socket")}, "unknown type"),
    "a chunk of no file": ({"edit": dropped(2)}, "belongs to no file"),
    "a chunk of another file": ({"edit": entry(3, name="etc/passwd")}, "belongs to no file"),
    "a missing chunk": ({"edit": dropped(4)}, "do not follow"),
    "a missing last chunk": ({"edit": lambda document: document["entries"].__delitem__(slice(13, 14))}, "do not cover"),
    "a chunk that overlaps": ({"edit": entry(3, chunkOffset=5)}, "do not follow"),
    "a chunk beyond the file": ({"edit": entry(3, chunkSize=1 << 40)}, "do not follow"),
    "a chunk of unknown type": ({"edit": entry(1, chunkType="ones")}, "unknown type"),
    "files in another order": ({"edit": swapped}, "order"),
    "an offset of an earlier file": ({"edit": entry(3, offset=1)}, "order"),
    "an offset past the end": ({"edit": entry(-1, offset=1 << 50)}, "past the last file"),
    "an offset into a file": ({"edit": lambda document: entry(1, offset=document["entries"][1]["offset"] + 1)}, ""),
    "a negative offset": ({"edit": entry(1, offset=-1)}, "out of range"),
    "an offset that is no number": ({"edit": entry(1, offset="1")}, "no number"),
    "a name that is no text": ({"edit": entry(0, name=1)}, "no text"),
    "a name that was not UTF-8": ({"edit": entry(0, name="\ufffd")}, "not that of the archive"),
    "a name with a zero byte": ({"edit": entry(0, name="a\0b")}, "not that of the archive"),
    "a name with half a letter": ({"edit": entry(0, name="\ud800")}, "not UTF-8"),
    "no digest": ({"edit": entry(1, chunkDigest=None, digest=None)}, "without a sha256"),
    "a digest of another kind": ({"edit": entry(1, chunkDigest="md5:0")}, "without a sha256"),
    "a wrong digest": ({"edit": entry(1, chunkDigest=SHA)}, "does not have the digest"),
    "a file that is larger": ({"edit": entry(1, size=len(LIBRARY) + 8 * MIB)}, "shorter"),
    "a file that is smaller": ({"edit": entry(1, size=len(LIBRARY) - 1)}, "does not have the digest"),
    "content that begins later": ({"edit": entry(1, innerOffset=1)}, "does not have the digest"),
    "content that begins far later": ({"edit": entry(1, innerOffset=1 << 40)}, "shorter"),
    "another table": ({"digest": SHA}, "does not have the digest that the manifest"),
    "no JSON": ({"text": lambda text: text[:-1].encode()}, "not JSON"),
    "more than JSON": ({"text": lambda text: f"{text}{{}}".encode()}, "goes on"),
    "no UTF-8": ({"text": lambda text: text.encode("utf-16")}, "not UTF-8"),
}


@pytest.mark.parametrize("zstandard", [False, True])
@pytest.mark.parametrize("name", LIES)
def test_a_table_that_is_not_right_is_not_used(name: str, zstandard: bool) -> None:  # noqa: FBT001
    fields, told = LIES[name]
    made = Listed(FEW, PAGE, zstandard=zstandard, **fields).layer()
    read = by_toc(made, thrift=EAGER, small=0)
    if told:
        assert not read.by_toc
        assert told in read.said[0]
    assert not differences(read.facts, streamed(made))


@pytest.mark.parametrize(
    ("footer", "told"),
    [
        (bytes(51), "do not say where"),
        (stargz_footer(1 << 60), "do not say where"),
        (stargz_footer(5), "damaged|goes on|not a tar|not where|nothing|cut off|has .* bytes"),
        (stargz_footer(0), "not where|has .* bytes"),
        (gzip.compress(b"", mtime=0), "do not say where"),
    ],
)
def test_a_footer_that_lies_is_not_followed(footer: bytes, told: str) -> None:
    made = Listed(FEW, footer=footer).layer()
    read = by_toc(made, thrift=EAGER, small=0)
    assert not read.by_toc
    assert re.search(told, read.said[0])
    assert not differences(read.facts, streamed(made))


def test_a_table_over_the_limit_is_not_read() -> None:
    for zstandard, toc, told in (
        (False, 3000, "has more than 3,000 bytes"),
        (True, 3000, "has more than 3,000 bytes"),
        (False, 1000, "compressed, and at most 500 are read"),
        (True, 1000, "compressed, and at most 500 are read"),
    ):
        made = Listed(FEW, PAGE, zstandard=zstandard).layer()
        read = by_toc(made, thrift=EAGER, small=0, limits=replace(DEFAULT, toc=toc))
        assert told in read.said[0]
        assert not read.by_toc
        assert not differences(read.facts, streamed(made))


def test_entries_over_the_limit_are_an_error_of_the_layer() -> None:
    made = Listed([file(f"{number}") for number in range(20)]).layer()
    with pytest.raises(ImageError, match="cannot be read"):
        by_toc(made, thrift=EAGER, small=0, limits=replace(DEFAULT, entries=10))


@pytest.mark.parametrize(
    ("annotations", "place"),
    [
        ({}, None),
        ({TOC_DIGEST: SHA}, TocPlace(SHA)),
        ({TOC_DIGEST: "sha256:0"}, None),
        ({TOC_DIGEST: SHA.upper()}, None),
        ({f"{CHUNKED}manifest-checksum": SHA, f"{CHUNKED}manifest-position": "7:8:9:1"}, TocPlace(SHA, 7, 8)),
        ({"io.containers.zstd-chunked.manifest-checksum": SHA}, None),
        (
            {
                "io.containers.zstd-chunked.manifest-checksum": SHA,
                "io.containers.zstd-chunked.manifest-position": "7:8:9:1",
                TOC_DIGEST: "sha256:" + "1" * 64,
            },
            TocPlace(SHA, 7, 8),
        ),
        ({f"{CHUNKED}manifest-checksum": SHA, f"{CHUNKED}manifest-position": "7:8:9:2"}, None),
        ({f"{CHUNKED}manifest-checksum": SHA, f"{CHUNKED}manifest-position": "-7:8:9:1"}, None),
        ({f"{CHUNKED}manifest-checksum": SHA, f"{CHUNKED}manifest-position": "7:0:0:1"}, None),
        ({f"{CHUNKED}manifest-checksum": SHA, f"{CHUNKED}manifest-position": "7" * 50 + ":8:9:1"}, None),
    ],
)
def test_annotations_say_where_the_table_is(annotations: dict[str, str], place: TocPlace | None) -> None:
    assert toc_place(annotations) == place


def test_an_ordinary_layer_that_claims_a_table_is_read_as_it_is() -> None:
    plain = layer(*ENTRIES)
    claimed = Layer(plain.blob, plain.diff_id, plain.media_type, {TOC_DIGEST: sha256(b"")})
    read = by_toc(claimed)
    assert "do not say where" in read.said[0]
    assert not differences(read.facts, streamed(plain))
