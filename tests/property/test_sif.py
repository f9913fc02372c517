"""The reader of SIF headers against numbers of every kind, and against damage."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import ImageError
from compatbuild.image.sif import DESCRIPTOR_SIZE, read_sif
from tests.builders.sif import Descriptor, Header, raw_sif
from tests.unit.image.test_sif import Content

NUMBERS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-10, 50_000), st.sampled_from([1 << 31, 1 << 32])
)
DESCRIPTORS = st.builds(
    Descriptor,
    type=st.sampled_from([0x4001, 0x4003, 0x4004, 0x4005, 0x4006, 0x400A, 0, -1]),
    id=st.integers(0, 5),
    offset=NUMBERS,
    size=NUMBERS,
    used=st.booleans(),
    name=st.binary(max_size=128),
    extra=st.tuples(st.integers(-2, 9), st.integers(-2, 9), st.binary(min_size=3, max_size=3)),
)
HEADERS = st.builds(Header, total=NUMBERS, at=NUMBERS, descriptors=st.lists(DESCRIPTORS, max_size=5))


@given(HEADERS, st.integers(0, 60_000))
def test_whatever_is_accepted_lies_in_the_file(header: Header, size: int) -> None:
    content = Content(raw_sif(header, size))
    with suppress(ImageError):
        for found in read_sif(content).objects:
            assert not found.size or 0 < found.offset <= found.offset + found.size <= content.size
    assert content.asked <= content.size + 128


@given(st.lists(DESCRIPTORS, min_size=1, max_size=8).map(lambda all_: [d for d in all_ if d.used]), st.data())
def test_what_fits_is_read_as_it_was_written(descriptors: list[Descriptor], data: st.DataObject) -> None:
    placed = [
        Descriptor(d.type, number, data.draw(st.integers(6000, 30_000)), data.draw(st.integers(0, 10_000)), name=b"n")
        for number, d in enumerate(descriptors, 1)
    ]
    found = read_sif(Content(raw_sif(Header(total=8, at=data.draw(st.integers(128, 1000)), descriptors=placed))))
    assert [(f.type, f.id, f.offset, f.size) for f in found.objects] == [
        (d.type, d.id, d.offset, d.size) for d in placed
    ]


@given(st.lists(st.tuples(st.integers(0, 128 + 2 * DESCRIPTOR_SIZE - 1), st.integers(0, 255)), max_size=20))
def test_damage_is_an_error_or_harmless(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(raw_sif(Header(total=2, descriptors=[Descriptor(), Descriptor(id=2)])))
    for at, value in changes:
        raw[at] = value
    with suppress(ImageError):
        read_sif(Content(bytes(raw)))
