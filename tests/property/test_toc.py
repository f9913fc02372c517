"""Reading by a table of contents is streaming, as far as anybody can tell; damage never makes it anything else."""

from __future__ import annotations

import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.errors import ImageError
from tests.builders.elf import elf
from tests.builders.layers import Entry
from tests.builders.partly import EAGER, by_toc, differences, streamed
from tests.builders.toc import Document, Listed

NAMES = st.sampled_from(["a", "b", "c1", "x.so.1", "y.jar", "run", "main.py", "..", ".", ".wh.a", ".wh..wh..opq", "ä"])
PATHS = st.builds("/".join, st.lists(NAMES, min_size=1, max_size=3)) | st.builds("app/{}".format, NAMES)
PROGRAMS = st.builds(
    lambda needed, rest: elf(needed=needed) + rest,
    st.lists(st.sampled_from(["libc.so.6", "libmpi.so.40"]), max_size=2),
    st.binary(max_size=300),
)
CONTENTS = st.binary(max_size=300) | st.integers(0, 5000).map(bytes) | PROGRAMS | st.just(b"\x7fELF")
MODES = st.integers(0, 0o7777)
ENTRIES = st.lists(
    st.one_of(
        st.builds(Entry, PATHS, content=CONTENTS, mode=MODES),
        st.builds(Entry, PATHS, st.sampled_from([tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]), mode=MODES),
        st.builds(Entry, PATHS, st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE]), target=PATHS, mode=MODES),
    ),
    max_size=8,
)
CHUNKS = st.integers(1, 40) | st.integers(40, 6000)


@given(ENTRIES, CHUNKS, st.booleans())
@settings(max_examples=150)
def test_the_facts_are_those_of_streaming(entries: list[Entry], chunk: int, zstandard: bool) -> None:  # noqa: FBT001
    layer = Listed(entries, chunk, zstandard=zstandard).layer()
    read = by_toc(layer, thrift=EAGER, small=0)
    assert read.by_toc, read.said
    assert not differences(read.facts, streamed(layer))
    assert sum(read.ticks) == len(layer.blob)


@given(ENTRIES, CHUNKS, st.booleans(), st.data())
@settings(max_examples=150)
def test_damage_is_not_taken_for_content(
    entries: list[Entry],
    chunk: int,
    zstandard: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    layer = Listed(entries, chunk, zstandard=zstandard).layer()
    damaged = bytearray(layer.blob)
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = by_toc(layer, blob=bytes(damaged), thrift=EAGER, small=0)
    except ImageError:
        return  # it was read as a whole in the end, and is not what it is called
    assert read.by_toc
    assert not differences(read.facts, streamed(layer))


ODD = st.one_of(
    st.integers(-1, 1 << 70), st.text(max_size=5), st.none(), st.booleans(), st.floats(), st.just("zeros"), st.just([])
)
KEYS = st.sampled_from(
    ["name", "type", "size", "offset", "innerOffset", "chunkOffset", "chunkSize", "chunkDigest", "chunkType", "mode"]
)


@given(ENTRIES, CHUNKS, st.booleans(), st.data())
@settings(max_examples=150)
def test_no_table_is_an_error_as_long_as_the_layer_is_sound(
    entries: list[Entry],
    chunk: int,
    zstandard: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    def edit(document: Document) -> None:
        table = document["entries"]
        for _ in range(data.draw(st.integers(1, 3)) if table else 0):
            data.draw(st.sampled_from(table))[data.draw(KEYS)] = data.draw(ODD)
        if data.draw(st.booleans()):
            document["entries"] = data.draw(st.permutations(table))

    layer = Listed(entries, chunk, zstandard=zstandard, edit=edit).layer()
    read = by_toc(layer, thrift=EAGER, small=0)
    assert read.by_toc or not differences(read.facts, streamed(layer))
    assert sum(read.ticks) == len(layer.blob)
