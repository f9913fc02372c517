"""Fatbins of any make-up: what was put in comes out, and what was damaged does no harm."""

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.image.elf import DeviceCode
from tests.builders.elf import elf, facts
from tests.builders.fatbin import CUBIN, LTOIR, LZ4, PTX, concatenated, container, entry, header

TARGETS = st.tuples(st.integers(20, 130), st.sampled_from(["", "a", "f"])).map(lambda t: f"{t[0]}{t[1]}")
VERSIONS = st.tuples(st.integers(6, 12), st.integers(0, 9))
OPTIONS = st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"-"))
# Without a byte of the magic: what damage uncovers is then no container of its own, which would be another claim.
PAYLOADS = st.binary(max_size=2000).map(lambda b: b.replace(b"\xba", b"-"))


@st.composite
def entries(draw: st.DrawFn) -> tuple[bytes, set[DeviceCode]]:
    """An entry and what it is to say."""
    kind, target, isa = draw(st.sampled_from([CUBIN, PTX, LTOIR, 0x100])), draw(TARGETS), draw(VERSIONS)
    if kind == 0x100:
        targets = draw(st.lists(TARGETS, min_size=1, max_size=12))
        listed = [header(CUBIN, t, 99, options=draw(OPTIONS)) for t in targets]
        payload = draw(PAYLOADS)
        return concatenated(*listed, payload=payload), {DeviceCode("sass", t, "", ".nv_fatbin") for t in targets}
    flags = draw(st.sampled_from([0x11, 0x11 | LZ4]))
    data = entry(kind, target, draw(PAYLOADS), isa=isa, flags=flags, options=draw(OPTIONS))
    said = {
        CUBIN: {DeviceCode("sass", target, "", ".nv_fatbin")},
        PTX: {DeviceCode("ptx", target, f"{isa[0]}.{isa[1]}", ".nv_fatbin")},
        LTOIR: set[DeviceCode](),
    }
    return data, said[kind]


CONTAINERS = st.lists(st.lists(entries(), max_size=6), max_size=4)


@settings(max_examples=200)
@given(CONTAINERS, st.integers(0, 20))
def test_all_that_was_put_in(containers: list[list[tuple[bytes, set[DeviceCode]]]], gap: int) -> None:
    content = b"".join(container(*(data for data, _ in one)) + bytes(8 * gap) for one in containers)
    found = facts(elf(sections={".nv_fatbin": content}))
    assert set(found.device_code) == {code for one in containers for _, codes in one for code in codes}
    assert len(set(found.device_code)) == len(found.device_code)
    assert found.damaged == ""


@settings(max_examples=300)
@given(CONTAINERS, st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_stays_in_its_container(
    containers: list[list[tuple[bytes, set[DeviceCode]]]], changes: list[tuple[int, int]]
) -> None:
    """Whatever is changed behind the header of a container, the one that comes last is read."""
    content = bytearray()
    changeable: list[int] = []
    for one in containers:
        content += container(*(data for data, _ in one))
        inside = sum(len(data) for data, _ in one)
        changeable += range(len(content) - inside, len(content))
    for place, value in changes:
        if changeable:
            content[changeable[place % len(changeable)]] = value
    last = container(entry(CUBIN, "75", b"x"))
    found = facts(elf(sections={".nv_fatbin": bytes(content), ".other": last}))
    assert DeviceCode("sass", "75", "", ".other") in found.device_code
