"""Facts as bytes: what is written is read again, and bytes that are no facts are nothing worse than that."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.image import facts_bytes
from compatbuild.image.elf import BpfObject, DeviceCode, ElfFacts
from compatbuild.image.facts_bytes import from_bytes, to_bytes
from compatbuild.image.layer_facts import Entry, LayerFacts
from compatbuild.image.view import Kind
from compatbuild.image.wanted import Start

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PATH = TEXT.map(lambda text: f"/{text}")
NUMBER = st.integers(0, 1 << 40)
ELF = st.builds(
    ElfFacts,
    machine=NUMBER,
    bits=st.sampled_from((32, 64)),
    needed=st.lists(TEXT, max_size=3).map(tuple),
    versions=st.dictionaries(TEXT, st.lists(TEXT, max_size=2).map(tuple), max_size=2),
    device_code=st.lists(st.builds(DeviceCode, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    bpf=st.lists(st.builds(BpfObject, NUMBER, st.just(("a", "b")), NUMBER), max_size=1).map(tuple),
    go=st.dictionaries(TEXT, TEXT, max_size=2),
    markers=st.dictionaries(TEXT, st.just(("9", "")), max_size=2),
    damaged=TEXT,
)
FACTS = st.builds(
    LayerFacts,
    entries=st.dictionaries(PATH, st.builds(Entry, st.sampled_from(Kind), NUMBER, st.integers(0, 0o7777), TEXT)),
    directories=st.frozensets(PATH, max_size=3),
    links=st.dictionaries(PATH, PATH, max_size=3),
    whiteouts=st.frozensets(PATH, max_size=3),
    opaque=st.frozensets(PATH, max_size=3),
    elves=st.dictionaries(PATH, ELF, max_size=3),
    files=st.dictionaries(PATH, st.binary(max_size=40), max_size=4),
    copies=st.dictionaries(PATH, PATH, max_size=2),
    members=NUMBER,
    limits=st.lists(TEXT, max_size=2).map(tuple),
    skipped=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
)
START = st.builds(Start, st.frozensets(TEXT, max_size=3), st.lists(PATH, max_size=3).map(tuple))


@given(FACTS, st.lists(START, max_size=3).map(tuple))
def test_what_is_written_is_read_again(facts: LayerFacts, starts: tuple[Start, ...]) -> None:
    assert from_bytes(to_bytes(facts, starts)) == (facts, starts)


def test_paths_of_one_file_share_what_is_known_of_it() -> None:
    elf = ElfFacts(62, 64)
    read, _ = from_bytes(to_bytes(LayerFacts(elves={"/a": elf, "/b": elf}), ()))
    assert read.elves["/a"] is read.elves["/b"]


@given(st.binary(max_size=200))
def test_any_bytes_are_facts_or_an_error(data: bytes) -> None:
    for bytes_ in (data, zlib.compress(data)):
        with pytest.raises(ValueError, match="no layer facts"):
            from_bytes(bytes_)


@given(FACTS, st.data())
def test_changed_facts_are_other_facts_or_an_error(facts: LayerFacts, data: st.DataObject) -> None:
    plain = bytearray(zlib.decompress(to_bytes(facts, ())))
    at = data.draw(st.integers(0, len(plain) - 1))
    plain[at] = data.draw(st.integers(0, 255))
    try:
        read, _ = from_bytes(zlib.compress(bytes(plain)))
    except ValueError:
        return
    assert isinstance(read, LayerFacts)


def test_more_than_fits_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = LayerFacts(files={"/a": bytes(2_000_000)})
    written = to_bytes(facts, ())
    assert len(written) < 20_000
    monkeypatch.setattr(facts_bytes, "MAX_BYTES", 1_000_000)
    assert to_bytes(facts, ()) == b""
    with pytest.raises(ValueError, match="not one whole stream"):
        from_bytes(written)


@pytest.mark.parametrize("tail", [b"x", b"\0" * 100])
def test_nothing_may_follow(tail: bytes) -> None:
    with pytest.raises(ValueError, match="no layer facts"):
        from_bytes(to_bytes(LayerFacts(), ()) + tail)
