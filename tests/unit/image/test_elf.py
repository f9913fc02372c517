"""What the ELF reader says of files made by the builder, one fact at a time."""

import itertools
import struct

import pytest

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.interests import Interests
from tests.builders.elf import ALL, ALLOC, BASE, NOBITS, NOTE, RW, File, elf, facts, read, relocatable
from tests.builders.fatbin import CUBIN, container, cubin, header

SHAPES = list(itertools.product((32, 64), "<>"))


@pytest.mark.parametrize(("bits", "order"), SHAPES)
def test_linking_in_every_shape(bits: int, order: str) -> None:
    found = facts(
        elf(
            bits=bits,
            order=order,
            machine=21,
            interpreter="/lib/ld.so.1",
            needed=["libc.so.6", "libm.so.6"],
            soname="libthis.so.3",
            versions={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.34"], "libm.so.6": ["GLIBC_2.29"]},
            abi_kernel="3.10.0",
            align=0x10000,
        )
    )
    assert (found.bits, found.machine, found.type) == (bits, 21, 3)
    assert found.interpreter == "/lib/ld.so.1"
    assert found.soname == "libthis.so.3"
    assert found.needed == ("libc.so.6", "libm.so.6")
    assert found.versions == {"libc.so.6": ("GLIBC_2.17", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)}
    assert found.abi_kernel == "3.10.0"
    assert found.load_align == 0x10000
    assert found.damaged == ""


def test_search_paths_are_split() -> None:
    found = facts(elf(needed=["a"], rpath="/opt/lib:$ORIGIN/../lib", runpath="$ORIGIN::/x:"))
    assert found.rpath == ("/opt/lib", "$ORIGIN/../lib")
    assert found.runpath == ("$ORIGIN", "/x")


def test_a_static_program_needs_nothing() -> None:
    found = facts(elf(kind=2))
    assert found == ElfFacts(machine=62, bits=64, type=2, sections=(".shstrtab",), load_align=0x1000)


def test_sections_are_named_in_order() -> None:
    found = facts(elf(sections={".nv_fatbin": b"", ".hip_fatbin": b"x"}, data=b"y"))
    assert found.sections == (".nv_fatbin", ".hip_fatbin", ".data", ".shstrtab")


def test_without_a_section_table_the_rest_is_known() -> None:
    found = facts(elf(needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.34"]}, headers=False))
    assert found.sections == ()
    assert (found.needed, found.versions) == (("libc.so.6",), {"libc.so.6": ("GLIBC_2.34",)})
    assert found.damaged == ""


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("segment", [NOTE, 0x6474E553], ids=["PT_NOTE", "PT_GNU_PROPERTY"])
def test_isa_note_in_either_segment(bits: int, segment: int) -> None:
    found = facts(elf(bits=bits, machine=62 if bits == 64 else 3, isa=0b0111, isa_segment=segment))
    assert found.isa_needed == 0b0111


def test_isa_note_means_nothing_on_other_machines() -> None:
    assert facts(elf(machine=183, isa=0b0100)).isa_needed == 0


def test_abi_note_of_another_system_names_no_kernel() -> None:
    file = File(64, "<", 62, 3)
    hurd = file.note(1, file.words(1, 0, 9, 0))
    file.segment(NOTE, 4, file.add(hurd), 4)
    assert facts(file.done()).abi_kernel == ""


def test_notes_of_others_are_passed_over() -> None:
    file = File(64, "<", 62, 3)
    foreign = file.words(6, 3, 1) + b"Other\0\0\0" + b"abc\0"
    file.segment(NOTE, 4, file.add(foreign + file.note(1, file.words(0, 5, 4, 0))), 4)
    assert facts(file.done()).abi_kernel == "5.4.0"


@pytest.mark.parametrize("align", [4, 8])
def test_notes_begin_at_multiples_of_the_alignment(align: int) -> None:
    """The first note is 20 bytes long, so that the second begins at 20 or at 24."""
    file = File(64, "<", 62, 3)
    first, second = file.note(9, b"abcd", align=align), file.note(5, file.property(4), align=align)
    assert len(first) == {4: 20, 8: 24}[align]
    file.segment(NOTE, 4, file.add(first + second), align)
    assert facts(file.done()).isa_needed == 4


def test_load_align_is_the_smallest() -> None:
    file = File(64, "<", 62, 3)
    file.segment(1, 4, (0, 64), 0x200000)
    file.segment(1, 5, (0, 64), 0x1000)
    file.segment(1, RW, (0, 64), 0x10000)
    assert facts(file.done()).load_align == 0x1000


@pytest.mark.parametrize("padding", [0, 300_000, 5 << 20, 9 << 20])
def test_strings_before_or_behind_the_dynamic_section(padding: int) -> None:
    versions = {"libc.so.6": ["GLIBC_2.34"]}
    for last, headers in itertools.product((False, True), repeat=2):
        data = elf(
            needed=["libc.so.6"],
            soname="x.so",
            versions=versions,
            padding=padding,
            strings_last=last,
            headers=headers,
        )
        found = facts(data)
        assert (found.needed, found.soname, found.versions) == (("libc.so.6",), "x.so", {"libc.so.6": ("GLIBC_2.34",)})
        assert found.damaged == ""


def test_a_relocatable_object_has_sections_only() -> None:
    found = facts(relocatable([(".text", b"\xc3", 6), (".modinfo", b"name=x\0", ALLOC)]))
    assert (found.type, found.sections, found.load_align) == (1, (".text", ".modinfo", ".shstrtab"), 0)
    assert found.damaged == ""


def test_a_detached_debug_file_has_no_dynamic_section() -> None:
    """Elfutils leaves the program headers as they were, so that they point at debug data."""
    whole = elf(needed=["libc.so.6"], interpreter="/lib/ld.so")
    assert facts(whole).needed == ("libc.so.6",)
    detached = bytearray(whole)
    table = int.from_bytes(whole[40:48], "little")
    for number, name in enumerate(facts(whole).sections, 1):
        if name in (".interp", ".dynamic"):
            detached[table + 64 * number + 4] = NOBITS
    found = facts(bytes(detached))
    assert (found.needed, found.interpreter, found.damaged) == ((), "", "")
    assert found.sections == facts(whole).sections


def test_of_two_entries_of_a_kind_the_last_counts() -> None:
    """As in the loader of glibc."""
    file = File(64, "<", 62, 3)
    at, size = file.add(b"\0first\0last\0")
    file.segment(1, 4, (0, at + size))
    file.segment(2, RW, file.add(file.dynamic([(5, 1), (14, 1), (14, 7), (5, BASE + at), (10, size), (0, 0)])))
    found = facts(file.done())
    assert (found.soname, found.damaged) == ("last", "")


def test_program_headers_at_the_end() -> None:
    """Where BOLT puts them; a file of a few megabytes is known all the same."""
    data = bytearray(elf(needed=["libc.so.6"], interpreter="/lib/ld.so", padding=300_000, data=bytes(6 << 20)))
    table, size = 64, 16 * 56
    data += bytes(-len(data) % 8) + data[table : table + size]
    data[table : table + size] = bytes(size)
    data[32:40] = (len(data) - size).to_bytes(8, "little")
    found = facts(bytes(data))
    assert (found.needed, found.interpreter, found.load_align) == (("libc.so.6",), "/lib/ld.so", 0x1000)
    assert found.damaged == ""


def test_numbers_of_sections_that_do_not_fit_the_header() -> None:
    """They stand in section 0: the number in sh_size, the index of the names in sh_link."""
    data = bytearray(elf(sections={".a": b"x"}))
    table, count = int.from_bytes(data[40:48], "little"), int.from_bytes(data[60:62], "little")
    data[60:64] = b"\0\0\xff\xff"
    data[table + 32 : table + 40] = count.to_bytes(8, "little")
    data[table + 40 : table + 44] = (count - 1).to_bytes(4, "little")
    assert facts(bytes(data)).sections == (".a", ".shstrtab")


def test_a_section_table_at_the_beginning() -> None:
    """Where Go's linker puts it; the names are at the end nevertheless."""
    data = elf(sections={".a": b"x"}, padding=6 << 20)
    table = int.from_bytes(data[40:48], "little")
    moved = bytearray(data)
    moved[0x400 : 0x400 + len(data) - table] = data[table:]
    moved[40:48] = (0x400).to_bytes(8, "little")
    assert facts(bytes(moved)).sections == (".a", ".shstrtab")


def test_names_that_are_not_utf8_stay_text() -> None:
    data = elf(needed=["libX.so"]).replace(b"libX.so", b"lib\xff.so")
    assert facts(data).needed == ("lib�.so",)


@pytest.mark.parametrize("data", [b"", b"\x7f", b"\x7fEL", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x09" + bytes(99)])
def test_other_files_are_not_elf(data: bytes) -> None:
    assert read(data) is None
    assert read(data, pieces=[1] * len(data)) is None


def test_a_result_can_be_asked_for_again() -> None:
    data = elf(needed=["libc.so.6"])
    scan = ElfScan("/x", len(data), Interests(elf=True))
    scan.feed(data)
    assert scan.result() == scan.result()


def test_bytes_beyond_the_size_make_no_difference() -> None:
    data = elf(needed=["libc.so.6"])
    scan = ElfScan("/x", len(data), Interests(elf=True))
    scan.feed(data + b"more")
    scan.feed(b"and more")
    found = scan.result()
    assert found is not None
    assert found.damaged == ""


def test_a_file_of_six_gigabytes() -> None:
    """One cubin fills it; what lies behind is found, and the payload is stepped over (copying it would take minutes)."""
    payload = 6 << 30
    file = File(64, "<", 62, 3)
    at = file.end
    size = payload + len(container(header(CUBIN, "90", 0))) + len(cubin("100"))
    file.segment(1, 4, (0, at + size))
    head = bytearray(file.done(headers=False)).ljust(at, b"\0")
    whole = bytearray(container(header(CUBIN, "90", payload)))
    whole[8:16] = (size - 16).to_bytes(8, "little")
    names = b"\0.nv_fatbin\0.shstrtab\0".ljust(32, b"\0")
    end = at + size
    rows = [(0,) * 10, (1, 1, 2, 0, at, size, 0, 0, 8, 0), (12, 3, 0, 0, end, 32, 0, 0, 1, 0)]
    head[40:48] = (end + 32).to_bytes(8, "little")
    head[60:64] = struct.pack("<HH", 3, 2)
    tail = cubin("100") + names + b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows)
    scan = ElfScan("/x", len(head) + len(whole) + payload + len(tail), ALL)
    scan.feed(bytes(head + whole))
    piece = bytes(64 << 20)
    for _ in range(payload // len(piece)):
        scan.feed(piece)
    scan.feed(tail)
    found = scan.result()
    assert found is not None
    assert [code.target for code in found.device_code] == ["90", "100"]
    assert found.device_code[0].section == ".nv_fatbin"
    assert found.damaged == ""
