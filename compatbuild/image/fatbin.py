"""The GPU targets of CUDA fatbins, read header by header; payloads are stepped over and never decompressed.

NVIDIA documents no layout. This one was established by experiment with fatbinary of CUDA 13.5, and agrees with
cuobjdump on 47 of 48 libraries from PyPI (the 48th is one that cuobjdump refuses). All numbers are little endian.

- A *container* is aligned to 8 bytes: u32 magic, u16 version 1, u16 header size 16, u64 size of what follows.
- It holds *entries*, each a header and a payload. Header: u16 kind, u16 version 0x0101, u32 header size, u64 payload
  size, u32 compressed size, u32 offset of the options, u16 minor, u16 major (the PTX ISA of PTX), u32 architecture,
  u32 and u32 name, u64 flags, u64 zero, u64 uncompressed size.
- An entry of the kind CONCATENATED lists, at its options, u32 count, u32 length and ``count`` headers of the same
  layout, whose payloads are compressed as one. Such a header is 64 bytes long, or, with options of its own, as long
  as these say: the two numbers there plus 4, rounded up to 8.
"""

from bisect import bisect_right
from collections.abc import Generator, Iterable
from enum import IntEnum, IntFlag
from struct import Struct
from typing import NamedTuple

from compatbuild.image.elf import DeviceCode
from compatbuild.image.elf_format import Section, SectionType
from compatbuild.image.elf_stream import LOOK, NEVER, Block, Scope
from compatbuild.image.elf_windows import Damage

ALIGN = 8

CONTAINER = Struct("<IHHQ")

CONTAINER_START = b"\x50\xed\x55\xba\x01\x00\x10\x00"
"""Magic 0xBA55ED50, version 1, header size 16."""

RARE_AT = 3
"""Which byte of CONTAINER_START to look for first: 0xBA is rare in code and in text."""

ENTRY = Struct("<HHIQIIHHIIIQQQ")
ENTRY_VERSION = 0x0101
PAIR = Struct("<II")

ENTRY_HEADER_MAX = 1 << 20
"""Bytes of an entry's header; real ones have 64 to 120, and some thousands when concatenated."""

CONCATENATED_MAX = 4096
"""Headers in one concatenated entry; there is one for each architecture of one program."""

ARCHITECTURE_MAX = 9999
"""The largest number taken for an architecture; 121 is the largest of CUDA 13."""

READS_MAX = 65_536
"""Headers read in one file; NCCL, one of the richest libraries, has about 3,000."""

TARGETS_MAX = 1024
"""Distinct targets kept of one file; there are some twenty architectures."""


class Kind(IntEnum):
    """Kinds of entries; others (such as LTO-IR, which no driver runs as it is) are stepped over."""

    PTX = 1
    CUBIN = 2
    CONCATENATED = 0x100


class Flag(IntFlag):
    """Bits of an entry's flags."""

    LZ4 = 0x2000
    ZSTD = 0x8000
    SUFFIX_A = 0x100000
    SUFFIX_F = 0x200000


class _Entry(NamedTuple):
    """An entry's header, field by field."""

    kind: int
    version: int
    header_size: int
    payload_size: int
    compressed_size: int
    options: int
    minor: int
    major: int
    architecture: int
    name: int
    name_size: int
    flags: int
    zero: int
    plain_size: int

    @property
    def sound(self) -> bool:
        return self.version == ENTRY_VERSION and ENTRY.size <= self.header_size <= ENTRY_HEADER_MAX

    @property
    def target(self) -> DeviceCode | None:
        suffix = "a" if self.flags & Flag.SUFFIX_A else "f" if self.flags & Flag.SUFFIX_F else ""
        target = f"{self.architecture}{suffix}"
        if not 0 < self.architecture <= ARCHITECTURE_MAX:
            return None
        if self.kind == Kind.PTX:
            return DeviceCode("ptx", target, f"{self.major}.{self.minor}")
        return DeviceCode("sass", target) if self.kind == Kind.CUBIN else None


_Walk = Generator[tuple[int, int], bytes, int]
"""Asks for bytes by offset and length, is sent them, and returns the offset to go on from."""


class FatbinReader:
    """Finds the fatbins of one file and lists their targets.

    Compressed entries are taken out of ``scope``: what looks like text in them is only pieces of it.
    """

    def __init__(self, scope: Scope, damage: Damage) -> None:
        self._scope = scope
        self._damage = damage
        self._walk: _Walk | None = None
        self._wanted = 0
        self._reads_left = READS_MAX
        self._containers: dict[DeviceCode, list[int]] = {}
        self.resume = scope.following(0)

    def scan(self, block: Block) -> None:
        """Read the headers that begin before the block's horizon."""
        while self.resume < block.horizon:
            if self._walk is None:
                self._search(block)
            else:
                self._step(self._walk, block)
        if block.last and self._walk is not None:
            self._damage.note("fatbin cut short")

    def targets(self, sections: Iterable[Section]) -> tuple[DeviceCode, ...]:
        """Return the targets found, once for each section that has them, by section, kind and architecture."""
        holders = sorted((s for s in sections if s.size and s.type != SectionType.NOBITS), key=lambda s: s.offset)
        starts = [section.offset for section in holders]

        def section_of(offset: int) -> str:
            at = bisect_right(starts, offset) - 1
            return holders[at].name if at >= 0 and holders[at].holds(offset) else ""

        found = {
            DeviceCode(code.kind, code.target, code.isa, section_of(offset))
            for code, offsets in self._containers.items()
            for offset in offsets
        }
        return tuple(sorted(found, key=lambda c: (c.section, c.kind, len(c.target.rstrip("af")), c.target, c.isa)))

    def _search(self, block: Block) -> None:
        for start, stop in self._scope.parts(self.resume, block.horizon):
            at = _find(block, start, stop)
            if at >= 0:
                self._walk = self._container(at)
                self.resume, self._wanted = next(self._walk)
                return
        self.resume = self._scope.following(block.horizon)

    def _step(self, walk: _Walk, block: Block) -> None:
        self._reads_left -= 1
        data = block.peek(self.resume, self._wanted)
        if self._reads_left < 0:
            self._damage.note(f"more than {READS_MAX} fatbin headers")
            self._walk, self.resume = None, NEVER
            return
        if len(data) < self._wanted:  # the file ends
            self.resume = NEVER
            return
        try:
            self.resume, self._wanted = walk.send(data)
        except StopIteration as done:
            self._walk, self.resume = None, self._scope.following(done.value)

    def _container(self, container: int) -> _Walk:
        _, _, _, size = CONTAINER.unpack((yield container, CONTAINER.size))
        at = container + CONTAINER.size
        end = at + int(size)
        while at + ENTRY.size <= end:
            entry = _Entry._make(ENTRY.unpack((yield at, ENTRY.size)))
            payload = at + entry.header_size
            following = payload + entry.payload_size
            if not entry.sound or following > end:
                self._damage.note("broken fatbin")
                return at + ALIGN
            if entry.flags & (Flag.LZ4 | Flag.ZSTD):
                self._scope.exclude(at, following)
            if entry.kind == Kind.CONCATENATED:
                yield from self._concatenated(container, at + entry.options, payload)
            else:
                self._keep(entry, container)
            at = following
        return end

    def _concatenated(self, container: int, at: int, end: int) -> _Walk:
        """Read the headers listed at the options of an entry whose own header ends at ``end``."""
        if at + PAIR.size > end:
            self._damage.note("broken fatbin")
            return end
        count, _ = PAIR.unpack((yield at, PAIR.size))
        at += PAIR.size
        for _ in range(min(count, CONCATENATED_MAX)):
            data = yield at, min(end - at, LOOK)
            length = _header_length(data)
            if not length or at + length > end:
                self._damage.note("broken fatbin")
                break
            self._keep(_Entry._make(ENTRY.unpack_from(data)), container)
            at += length
        return end

    def _keep(self, entry: _Entry, container: int) -> None:
        code = entry.target
        if code is not None and (code in self._containers or len(self._containers) < TARGETS_MAX):
            self._containers.setdefault(code, []).append(container)


def _header_length(data: bytes) -> int:
    """Return the length of the header that ``data`` begins with, one of a concatenated entry; 0 if it is broken."""
    if len(data) < ENTRY.size:
        return 0
    options = _Entry._make(ENTRY.unpack_from(data)).options
    if not options:
        return ENTRY.size
    if options + PAIR.size > len(data):
        return 0
    length = _aligned(sum(PAIR.unpack_from(data, options)) + 4)
    return length if length >= ENTRY.size else 0


def _find(block: Block, start: int, stop: int) -> int:
    """Return the offset of the first container that begins in ``start`` to ``stop``, or -1.

    Taking every eighth byte and looking for one value there is several times as fast as to look for the whole magic
    everywhere, unless that value is frequent.
    """
    start = _aligned(start)
    lane = block.data[start + RARE_AT - block.base : stop + RARE_AT - block.base : ALIGN]
    rare = CONTAINER_START[RARE_AT : RARE_AT + 1]
    if lane.count(rare) > len(lane) // 64:
        at = block.find(CONTAINER_START, start, stop)
        while at >= 0 and at % ALIGN:
            at = block.find(CONTAINER_START, at + 1, stop)
        return at
    hit = lane.find(rare)
    while hit >= 0:
        if block.data.startswith(CONTAINER_START, start + hit * ALIGN - block.base):
            return start + hit * ALIGN
        hit = lane.find(rare, hit + 1)
    return -1


def _aligned(offset: int) -> int:
    return -(-offset // ALIGN) * ALIGN
