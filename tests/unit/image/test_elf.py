"""What the ELF reader says of files made by the builder, one fact at a time."""

import itertools

import pytest

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.interests import Interests
from tests.builders.elf import ALLOC, BASE, NOBITS, NOTE, RW, File, Row, elf, facts, read, relocatable

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


def test_load_align_is_the_smallest() -> None:
    file = File(64, "<", 62, 3)
    file.segment(1, 4, (0, 64), 0x200000)
    file.segment(1, 5, (0, 64), 0x1000)
    file.segment(1, RW, (0, 64), 0x10000)
    assert facts(file.done()).load_align == 0x1000


@pytest.mark.parametrize("padding", [0, 300_000, 5 << 20, 9 << 20])
def test_strings_before_or_behind_the_dynamic_section(padding: int) -> None:
    versions = {"libc.so.6": ["GLIBC_2.34"]}
    for last in (False, True):
        data = elf(needed=["libc.so.6"], soname="x.so", versions=versions, padding=padding, strings_last=last)
        found = facts(data)
        assert (found.needed, found.soname, found.versions) == (("libc.so.6",), "x.so", {"libc.so.6": ("GLIBC_2.34",)})
        assert found.damaged == ""


def test_a_relocatable_object_has_sections_only() -> None:
    found = facts(relocatable([(".text", b"\xc3", 6), (".modinfo", b"name=x\0", ALLOC)]))
    assert (found.type, found.sections, found.load_align) == (1, (".text", ".modinfo", ".shstrtab"), 0)
    assert found.damaged == ""


def test_a_detached_debug_file_has_no_dynamic_section() -> None:
    """Elfutils leaves the program headers as they were, so that they point at debug data."""
    file = File(64, "<", 62, 3)
    nonsense = file.add(b"\x01" * 256, ".debug_info", flags=0)
    file.segment(2, RW, nonsense)
    file.rows.append(Row(".dynamic", NOBITS, ALLOC, BASE + nonsense[0], *nonsense))
    found = facts(file.done())
    assert (found.needed, found.soname, found.damaged) == ((), "", "")
    assert found.sections == (".debug_info", ".dynamic", ".shstrtab")


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


def test_bytes_beyond_the_size_are_ignored() -> None:
    data = elf(needed=["libc.so.6"])
    scan = ElfScan("/x", len(data), Interests(elf=True))
    scan.feed(data + b"more")
    scan.feed(b"and more")
    found = scan.result()
    assert found is not None
    assert found.damaged == ""
