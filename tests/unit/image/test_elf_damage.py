"""Files that are cut short, that contradict themselves, or that mean harm: told in ``damaged``, never raised."""

import random
import struct
import tracemalloc

import pytest

from compatbuild.image.elf_keep import KEEP_MAX
from compatbuild.image.elf_linking import NEEDED_MAX, STRINGS_MAX
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.elf_stream import BLOCK
from compatbuild.image.elf_windows import NOTES_MAX, Damage
from compatbuild.image.interests import Interests, Marker
from tests.builders.elf import ALL, BASE, RW, File, R, elf, facts, read

EVERYTHING = Interests(elf=True, device_code=True, bpf=True, go=True, markers=(Marker("m", b"needle"),))

WHOLE = elf(
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=["libc.so.6"],
    soname="libthis.so",
    versions={"libc.so.6": ["GLIBC_2.34"]},
    isa=3,
    abi_kernel="3.2.0",
    sections={".rodata": b"text"},
    data=b"data",
)


@pytest.mark.parametrize("length", [16, 20, 63])
def test_a_header_cut_short(length: int) -> None:
    found = facts(WHOLE[:length])
    assert (found.machine, found.bits) == (0, 64)
    assert "ELF header cut short" in found.damaged


def test_program_headers_cut_short() -> None:
    found = facts(WHOLE[:100])
    assert found.machine == 62
    assert "program headers not readable" in found.damaged


def test_a_section_table_past_the_end() -> None:
    found = facts(WHOLE[:-64])
    assert (found.needed, found.sections) == (("libc.so.6",), ())
    assert found.damaged == "section headers not readable"


def test_every_cut_is_told_or_harmless() -> None:
    whole = facts(WHOLE)
    for length in range(16, len(WHOLE)):
        found = facts(WHOLE[:length])
        assert found.damaged, length
        assert set(found.needed) <= set(whole.needed)


def test_a_stream_that_ends_early() -> None:
    scan = ElfScan("/x", len(WHOLE), ALL)
    scan.feed(WHOLE[:-1])
    found = scan.result()
    assert found is not None
    assert f"ends after {len(WHOLE) - 1} of {len(WHOLE)} bytes" in found.damaged


@pytest.mark.parametrize("offset", [42, 46, 54, 58])
@pytest.mark.parametrize("value", [0, 1, 0xFFFF])
def test_sizes_and_counts_in_the_header(offset: int, value: int) -> None:
    data = bytearray(WHOLE)
    struct.pack_into("<H", data, offset, value)
    found = facts(bytes(data))
    assert found.machine == 62


def test_names_of_sections_that_lie_elsewhere() -> None:
    data = bytearray(WHOLE)
    struct.pack_into("<H", data, 62, 999)
    found = facts(bytes(data))
    assert (found.sections, found.damaged) == ((), "section names not readable")


def test_needed_names_outside_the_strings() -> None:
    data = WHOLE.replace(struct.pack("<QQ", 1, 1), struct.pack("<QQ", 1, 1 << 40))
    found = facts(data)
    assert (found.needed, found.soname) == ((), "libthis.so")
    assert found.damaged == "dynamic strings not readable"


def test_strings_at_no_address() -> None:
    file = File(64, "<", 62, 3)
    file.segment(2, RW, file.add(file.dynamic([(1, 1), (5, 0xDEAD0000), (10, 99), (0, 0)])))
    assert facts(file.done()).damaged == "dynamic strings not readable"


def test_a_dynamic_section_without_end_and_with_too_many_entries() -> None:
    file = File(64, "<", 62, 3)
    at, size = file.add(b"\0libx.so\0")
    file.segment(1, R, (0, at + size))
    entries = [(5, BASE + at), (10, size)] + [(1, 1)] * (NEEDED_MAX + 5)
    file.segment(2, RW, file.add(file.dynamic(entries)))
    found = facts(file.done())
    assert found.needed == ("libx.so",) * NEEDED_MAX
    assert "more than 1024 entries of one kind" in found.damaged


@pytest.mark.parametrize("following", [0, 1, 16])
def test_version_lists_that_bite_their_tail(following: int) -> None:
    """A step of 0 ends a list; small steps read the same bytes over and over, as long as they may."""
    file = File(64, "<", 62, 3)
    strings, size = file.add(b"\0libx.so\0V_1\0")
    need = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, following)
    aux = struct.pack("<IHHII", 0, 0, 2, 9, following)
    versions, length = file.add((need + aux) * 9)
    file.segment(1, R, (0, versions + length))
    entries = [(5, BASE + strings), (10, size), (0x6FFFFFFE, BASE + versions), (0x6FFFFFFF, 1 << 60), (0, 0)]
    file.segment(2, RW, file.add(file.dynamic(entries)))
    found = facts(file.done())
    assert found.versions.get("libx.so", ("V_1",))[0] == "V_1"


def test_notes_longer_than_their_segment() -> None:
    file = File(64, "<", 62, 3)
    file.segment(4, R, file.add(file.words(4, 0xFFFFFFF0, 5) + b"GNU\0"), 8)
    file.segment(4, R, file.add(file.words(0xFFFFFFFF, 0xFFFFFFFF, 1)), 4)
    file.segment(4, R, (1 << 40, 100), 4)
    found = facts(file.done())
    assert (found.isa_needed, found.abi_kernel) == (0, "")
    assert found.damaged == "notes not readable to their end"


def test_names_that_share_their_bytes_are_bounded() -> None:
    """A thousand names that all end in the same 4,000 bytes would add up to 4 MB."""
    file = File(64, "<", 62, 3)
    at, size = file.add(b"\0" + b"x" * 4000 + b"\0")
    file.segment(1, R, (0, at + size))
    file.segment(2, RW, file.add(file.dynamic([(5, BASE + at), (10, size), *[(1, 1)] * 1000, (0, 0)])))
    found = facts(file.done())
    assert sum(map(len, found.needed)) <= 262_144
    assert "more text than is taken from one file" in found.damaged


def test_notes_are_bounded() -> None:
    damage = Damage()
    for number in range(NOTES_MAX + 5):
        damage.note(f"{number}")
    assert str(damage) == "0; 1; 2; 3; 4; 5; 6; 7"


def test_random_changes_never_raise() -> None:
    """Twenty thousand files with a few bytes of the headers and tables changed."""
    random_ = random.Random(7)
    for _ in range(20_000):
        data = bytearray(WHOLE)
        for _ in range(random_.randrange(1, 6)):
            data[random_.randrange(16, len(data))] = random_.choice((0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)))
        read(bytes(data), EVERYTHING)


def test_memory_stays_bounded() -> None:
    """Segments that all ask to be kept, in a file of 192 MiB."""
    file = File(64, "<", 62, 3, segments=512)
    for place in range(500):
        file.segment(1, RW, (place * 100_000, 64 << 20))
    file.segment(2, RW, (150 << 20, 1 << 20))
    head = file.done(headers=False)
    size = 192 << 20
    scan = ElfScan("/x", size, EVERYTHING)
    piece = bytes(1 << 20)
    tracemalloc.start()
    scan.feed(head)
    for _ in range(size >> 20):
        scan.feed(piece)
    assert scan.result() is not None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.25 * (KEEP_MAX + STRINGS_MAX) + 8 * BLOCK


FLOODS = {
    "fatbins": b"\x50\xed\x55\xba\x01\x00\x10\x00" + bytes(8),
    "fatbins apart": b"\x50\xed\x55\xba\x01\x00\x10\x00" + bytes(16),
    "fatbins askew": bytes(1) + b"\x50\xed\x55\xba\x01\x00\x10\x00",
    "rare bytes": b"\xba",
    "ELF files": b"\x7fELF\x02\x01\x01",
    "BPF objects": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\xf7\x00" + bytes(44),
    "first bytes": b"\x7f\xff",
    "Go": b"\xff Go buildinf:\x08\x02",
    "needles": b"needle",
    "zeros": b"\0",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_time_stays_linear(flood: bytes) -> None:
    """16 MiB of what each search looks for, in a data segment; a quadratic step would take minutes."""
    file = File(64, "<", 62, 3)
    place = file.add(flood * ((16 << 20) // len(flood)))
    file.segment(1, RW, place)
    data = file.done()
    facts(data, EVERYTHING)
