"""BPF objects embedded in programs that load them, such as the skeletons of libbpf and cilium/ebpf.

An object is a relocatable ELF file of machine 247. Its CO-RE relocations are resolved against the type information
of the running kernel, so an object with any needs a kernel that carries it. Layout of ``.BTF.ext``: Linux,
Documentation/bpf/btf.rst.
"""

from struct import Struct

from compatbuild.image.elf import BpfObject
from compatbuild.image.elf_excerpts import Excerpt, ExcerptReader
from compatbuild.image.elf_format import (
    FileType,
    Layout,
    Machine,
    Section,
    SectionFlag,
    SectionType,
    read_header,
)
from compatbuild.image.elf_sections import read_sections
from compatbuild.image.elf_stream import Scope
from compatbuild.image.elf_windows import Damage, DamagedError, Windows

START = b"\x7fELF\x02\x01\x01"
"""An ELF file of 64 bits, little endian, version 1: what BPF objects for all common hosts are."""

LAYOUT = Layout(64, "<")

OBJECT_MAX = 8 << 20
"""Bytes of one embedded object; larger ones are not looked at."""

OBJECTS_MAX = 64
"""Objects taken from one file."""

PROGRAMS_MAX = 256
"""Program sections told of one object."""

TEXT_MAX = 65_536
"""Bytes of section names taken from one object."""

BTF_EXT_MAGIC = 0xEB9F
BTF_EXT_START = Struct("<HBBI")
"""Magic, version, flags, length of the header."""
CORE_RELO_LENGTH_AT = 28
WORD = Struct("<I")


class BpfReader(ExcerptReader):
    """Finds the BPF objects of one file: all that begin in ``scope``."""

    def __init__(self, scope: Scope, damage: Damage) -> None:
        super().__init__(START, scope)
        self._damage = damage
        self.objects: list[BpfObject] = []

    def length(self, head: bytes) -> int:
        """Return the length of the object that ``head`` begins: section headers come last. 0 if it is none."""
        header = read_header(LAYOUT, head, Damage())
        if (header.type, header.machine) != (FileType.RELOCATABLE, Machine.BPF):
            return 0
        length = header.sections_at + header.section_count * LAYOUT.section.size
        if length > OBJECT_MAX:
            self._damage.note("embedded BPF object too large")
            return 0
        return length

    def parse(self, excerpt: Excerpt) -> bool:
        """Take in one object."""
        with self._damage:
            self.objects.append(_object(excerpt))
        return len(self.objects) < OBJECTS_MAX


def _object(excerpt: Excerpt) -> BpfObject:
    damage = Damage()
    windows = Windows.over(excerpt.data, text_max=TEXT_MAX)
    sections = read_sections(LAYOUT, read_header(LAYOUT, excerpt.data, damage), windows, damage)
    if str(damage):
        raise DamagedError("embedded BPF object not readable")
    programs = dict.fromkeys(s.name for s in sections if _is_program(s))
    relocations = sum(_core_relocations(s, windows) for s in sections if s.name == ".BTF.ext")
    return BpfObject(excerpt.offset, tuple(programs)[:PROGRAMS_MAX], relocations)


def _is_program(section: Section) -> bool:
    """Say whether a section holds programs to attach; those in ``.text`` are only called by others."""
    code = section.type == SectionType.PROGBITS and section.flags & SectionFlag.EXECINSTR
    return bool(code) and section.size > 0 and section.name not in ("", ".text")


def _core_relocations(section: Section, windows: Windows) -> int:
    """Return the bytes of CO-RE relocations; a header that ends before their length (before Linux 5.4) has none."""
    start = windows.peek(section.offset, BTF_EXT_START.size)
    if len(start) < BTF_EXT_START.size:
        return 0
    magic, _, _, header_length = BTF_EXT_START.unpack(start)
    if magic != BTF_EXT_MAGIC or header_length < CORE_RELO_LENGTH_AT + WORD.size:
        return 0
    length = windows.peek(section.offset + CORE_RELO_LENGTH_AT, WORD.size)
    return int(WORD.unpack(length)[0]) if len(length) == WORD.size else 0
