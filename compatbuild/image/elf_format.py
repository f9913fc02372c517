"""The tables of an ELF file as they lie in it, for both widths and byte orders.

Names and layouts are those of the System V ABI, chapter 4 and 5 (gabi), and of Linux's <elf.h>.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cached_property
from struct import Struct

from compatbuild.image.elf_windows import Damage

MAGIC = b"\x7fELF"
IDENT = 16
"""Bytes of e_ident, which tell how to read all the rest."""

SEGMENTS_MAX = 512
"""Program headers read; linkers write about a dozen."""

SECTIONS_MAX = 4096
"""Section headers read; more occur only in relocatable objects with a section for each function."""


class FileType(IntEnum):
    """Values of e_type."""

    RELOCATABLE = 1
    EXECUTABLE = 2
    SHARED = 3


class Machine(IntEnum):
    """The values of e_machine that decide how a file is read."""

    I386 = 3
    X86_64 = 62
    BPF = 247


class SegmentType(IntEnum):
    """Values of p_type."""

    LOAD = 1
    DYNAMIC = 2
    INTERP = 3
    NOTE = 4
    GNU_PROPERTY = 0x6474E553


class Access(IntFlag):
    """Bits of p_flags."""

    EXECUTE = 1
    WRITE = 2
    READ = 4


class SectionType(IntEnum):
    """Values of sh_type."""

    PROGBITS = 1
    NOBITS = 8


class SectionFlag(IntFlag):
    """Bits of sh_flags."""

    ALLOC = 2
    EXECINSTR = 4


@dataclass(frozen=True)
class Layout:
    """How the tables of one file are laid out: ``bits`` is 32 or 64, ``order`` is ``<`` or ``>`` as in struct."""

    bits: int
    order: str

    @classmethod
    def of(cls, ident: bytes) -> "Layout | None":
        """Return the layout that e_ident names, None when it is not that of an ELF file."""
        if len(ident) < IDENT or not ident.startswith(MAGIC):
            return None
        bits = {1: 32, 2: 64}.get(ident[4])
        order = {1: "<", 2: ">"}.get(ident[5])
        return cls(bits, order) if bits and order else None

    def _struct(self, narrow: str, wide: str) -> Struct:
        return Struct(self.order + (wide if self.bits == 64 else narrow))

    @cached_property
    def header(self) -> Struct:
        """Elf_Ehdr after e_ident."""
        return self._struct("HHIIIIIHHHHHH", "HHIQQQIHHHHHH")

    @cached_property
    def segment(self) -> Struct:
        """Elf_Phdr."""
        return self._struct("IIIIIIII", "IIQQQQQQ")

    @cached_property
    def section(self) -> Struct:
        """Elf_Shdr."""
        return self._struct("IIIIIIIIII", "IIQQQQIIQQ")

    @cached_property
    def dynamic(self) -> Struct:
        """Elf_Dyn."""
        return self._struct("II", "QQ")

    @cached_property
    def words(self) -> Struct:
        """Three words: Elf_Nhdr."""
        return self._struct("III", "III")

    @cached_property
    def need(self) -> Struct:
        """Elf_Verneed: version, count, file name, offset of the first Vernaux, offset of the next Verneed."""
        return self._struct("HHIII", "HHIII")

    @cached_property
    def needed_version(self) -> Struct:
        """Elf_Vernaux: hash, flags, index, name, offset of the next one."""
        return self._struct("IHHII", "IHHII")


@dataclass(frozen=True, slots=True)
class Header:
    """Elf_Ehdr, without what nobody here asks for."""

    type: int
    machine: int
    segments_at: int
    sections_at: int
    segment_size: int
    segment_count: int
    section_size: int
    section_count: int
    names_index: int

    def segments_range(self, layout: "Layout") -> tuple[int, int]:
        """Return where the program headers begin and end, SEGMENTS_MAX of them at most."""
        return self.segments_at, self.segments_at + min(self.segment_count, SEGMENTS_MAX) * layout.segment.size


@dataclass(frozen=True, slots=True)
class Segment:
    """Elf_Phdr: ``offset`` and ``size`` in the file, ``address`` in memory."""

    type: int
    access: int
    offset: int
    address: int
    size: int
    align: int

    @property
    def end(self) -> int:
        """The offset just past the segment."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Section:
    """Elf_Shdr with the name looked up, empty when it could not be."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int

    def holds(self, offset: int) -> bool:
        """Say whether the byte at this offset of the file belongs to the section."""
        return self.type != SectionType.NOBITS and self.offset <= offset < self.offset + self.size


def read_header(layout: Layout, head: bytes, damage: Damage) -> Header:
    """Read the header of a file that begins with ``head``; all zeros, which no program has, when it is cut short."""
    if len(head) < IDENT + layout.header.size:
        damage.note("ELF header cut short")
        return Header(0, 0, 0, 0, 0, 0, 0, 0, 0)
    values = layout.header.unpack_from(head, IDENT)
    e_type, machine, _, _, e_phoff, e_shoff, _, _, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx = values
    return Header(e_type, machine, e_phoff, e_shoff, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx)


def read_segments(layout: Layout, header: Header, table: bytes, damage: Damage) -> tuple[Segment, ...]:
    """Read the program headers from ``table``, the bytes of their range."""
    if not header.segment_count:
        return ()
    if header.segment_size != layout.segment.size:
        damage.note("program headers of an unknown size")
        return ()
    if len(table) < min(header.segment_count, SEGMENTS_MAX) * layout.segment.size:
        damage.note("program headers not readable")
    elif header.segment_count > SEGMENTS_MAX:
        damage.note(f"more than {SEGMENTS_MAX} program headers")
    whole = len(table) - len(table) % layout.segment.size
    return tuple(_segment(layout, values) for values in layout.segment.iter_unpack(table[:whole]))


def _segment(layout: Layout, values: tuple[int, ...]) -> Segment:
    if layout.bits == 64:
        p_type, flags, offset, address, _, size, _, align = values
    else:
        p_type, offset, address, _, size, _, flags, align = values
    return Segment(p_type, flags, offset, address, size, align)
