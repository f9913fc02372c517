"""The notes of an ELF file that say what it needs of the processor and of the kernel.

Layout of notes: gabi chapter 5; ``.note.gnu.property`` and its x86 bits: the x86-64 psABI and the Linux extensions
to gabi; ``.note.ABI-tag``: the Linux Standard Base.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import Struct

from compatbuild.image.elf_format import Layout, Machine, SegmentType
from compatbuild.image.elf_keep import PART_MAX
from compatbuild.image.elf_linking import Memory
from compatbuild.image.elf_windows import Damage

OWNER = b"GNU\0"
NT_GNU_ABI_TAG = 1
NT_GNU_PROPERTY_TYPE_0 = 5
GNU_PROPERTY_X86_ISA_1_NEEDED = 0xC0008002
ABI_OS_LINUX = 0


@dataclass(frozen=True, slots=True)
class HostNeeds:
    """The facts of the notes, by the names of ElfFacts."""

    isa_needed: int = 0
    abi_kernel: str = ""


def read_notes(memory: Memory, machine: int, damage: Damage) -> HostNeeds:
    """Read all notes, those of PT_NOTE and of PT_GNU_PROPERTY: linkers list the property note in one or in both."""
    needs = HostNeeds()
    for segment in memory.segments:
        if segment.type not in (SegmentType.NOTE, SegmentType.GNU_PROPERTY):
            continue
        data = memory.windows.peek(segment.offset, min(segment.size, PART_MAX))
        if len(data) < segment.size:
            damage.note("notes not readable to their end")
        for owner, kind, content in _notes(memory.layout, data, 8 if segment.align == 8 else 4):
            if owner == OWNER and kind == NT_GNU_ABI_TAG:
                needs = replace(needs, abi_kernel=_kernel(memory.layout, content) or needs.abi_kernel)
            elif owner == OWNER and kind == NT_GNU_PROPERTY_TYPE_0 and machine in (Machine.I386, Machine.X86_64):
                needs = replace(needs, isa_needed=needs.isa_needed | _isa(memory.layout, content))
    return needs


def _notes(layout: Layout, data: bytes, align: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield owner, type and content; contents and notes begin at multiples of ``align``."""
    at = 0
    while at + layout.words.size <= len(data):
        owner_size, size, kind = layout.words.unpack_from(data, at)
        owner_at = at + layout.words.size
        content_at = _aligned(owner_at + owner_size, align)
        if content_at + size > len(data):
            return
        yield data[owner_at : owner_at + owner_size], kind, data[content_at : content_at + size]
        at = _aligned(content_at + size, align)


def _kernel(layout: Layout, content: bytes) -> str:
    words = Struct(layout.order + "IIII")
    if len(content) < words.size:
        return ""
    system, *version = words.unpack_from(content)
    return ".".join(map(str, version)) if system == ABI_OS_LINUX else ""


def _isa(layout: Layout, content: bytes) -> int:
    head, word = Struct(layout.order + "II"), Struct(layout.order + "I")
    at, found = 0, 0
    while at + head.size <= len(content):
        kind, size = head.unpack_from(content, at)
        at += head.size
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED and size == word.size and at + size <= len(content):
            found |= word.unpack_from(content, at)[0]
        at = _aligned(at + size, layout.bits // 8)
    return found


def _aligned(offset: int, align: int) -> int:
    return -(-offset // align) * align
