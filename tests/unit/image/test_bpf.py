"""BPF objects inside programs."""

import pytest

from compatbuild.image.bpf import OBJECT_MAX, OBJECTS_MAX, PROGRAMS_MAX, START
from compatbuild.image.elf import BpfObject, ElfFacts
from compatbuild.image.elf_excerpts import HITS_MAX
from compatbuild.image.elf_stream import BLOCK, LOOK
from compatbuild.image.interests import Interests
from tests.builders.elf import bpf_object, elf, facts, relocatable


def embedding(*contents: bytes, padding: int = 0) -> ElfFacts:
    return facts(elf(sections={".rodata": b"".join(contents)}, padding=padding))


def test_programs_and_relocations() -> None:
    one = bpf_object(["tp_btf/sched_switch", "kprobe/do_exit"], core_relocations=268)
    data = elf(sections={".rodata": b"xyz" + one})
    assert facts(data).bpf == (BpfObject(data.index(one), ("tp_btf/sched_switch", "kprobe/do_exit"), 268),)


def test_an_object_of_its_own_begins_at_nought() -> None:
    found = facts(bpf_object(["xdp"], core_relocations=28))
    assert (found.machine, found.bpf) == (247, (BpfObject(0, ("xdp",), 28),))


def test_without_btf_ext_nothing_is_relocated() -> None:
    assert embedding(bpf_object(core_relocations=None)).bpf[0].core_relocations == 0


def test_a_header_from_before_core_has_no_relocations() -> None:
    one = bytearray(bpf_object(core_relocations=28))
    at = one.index(b"\x9f\xeb\x01\0")
    one[at + 4] = 24  # the length of the header, which ends before core_relo_len
    assert embedding(bytes(one)).bpf[0].core_relocations == 0


def test_several_objects_one_after_the_other() -> None:
    found = embedding(bpf_object(["a"]), b"between", bpf_object(["b"], core_relocations=8), bpf_object(["c"]))
    assert [(o.programs, o.core_relocations) for o in found.bpf] == [(("a",), 0), (("b",), 8), (("c",), 0)]
    assert found.damaged == ""


@pytest.mark.parametrize("padding", [BLOCK - 2000, BLOCK - 1300, BLOCK - 1000, BLOCK, BLOCK + 512 - 1000])
@pytest.mark.parametrize("size", [0, 3 * BLOCK])
def test_across_the_border_of_two_blocks(padding: int, size: int) -> None:
    found = embedding(bpf_object(["xdp"], core_relocations=28, padding=size), bpf_object(["tc"]), padding=padding)
    assert [(o.programs, o.core_relocations) for o in found.bpf] == [(("xdp",), 28), (("tc",), 0)]


def test_objects_of_other_machines_are_none() -> None:
    assert embedding(relocatable([(".text", b"\xc3", 6)])).bpf == ()


def test_only_if_somebody_asks() -> None:
    assert facts(elf(sections={".rodata": bpf_object()}), Interests(elf=True)).bpf == ()


def test_a_cut_object_is_told() -> None:
    found = facts(elf(sections={".rodata": bpf_object()[:-100]}, headers=False))
    assert (found.bpf, found.damaged) == ((), "embedded BPF object not readable")


@pytest.mark.parametrize("size", [BLOCK + LOOK, BLOCK + LOOK + 1, 2 * BLOCK + LOOK])
def test_an_object_cut_at_the_border_of_two_blocks_is_told(size: int) -> None:
    data = elf(sections={".rodata": bpf_object(padding=3 * BLOCK)}, headers=False)
    assert "embedded BPF object not readable" in facts(data[:size]).damaged


def test_an_object_too_large_is_told() -> None:
    one = bytearray(bpf_object())
    one[40:48] = (OBJECT_MAX + 1).to_bytes(8, "little")
    found = embedding(bytes(one), bpf_object(["xdp"]))
    assert [o.programs for o in found.bpf] == [("xdp",)]
    assert found.damaged == "embedded BPF object too large"


def test_looks_are_bounded() -> None:
    """The first look is at the program itself."""
    assert len(embedding(START * (HITS_MAX - 2), bpf_object()).bpf) == 1
    assert embedding(START * (HITS_MAX - 1), bpf_object()).bpf == ()


def test_numbers_are_bounded() -> None:
    many = [f"kprobe/{n}" for n in range(PROGRAMS_MAX + 9)]
    assert len(embedding(bpf_object(many)).bpf[0].programs) == PROGRAMS_MAX
    assert len(embedding(*[bpf_object()] * (OBJECTS_MAX + 9)).bpf) == OBJECTS_MAX
