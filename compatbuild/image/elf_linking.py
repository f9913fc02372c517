"""What an ELF file asks of the dynamic linker: interpreter, dynamic section, symbol versions (gabi chapter 5)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from itertools import islice, takewhile

from compatbuild.image.elf_format import Layout, Segment, SegmentType
from compatbuild.image.elf_keep import PART_MAX
from compatbuild.image.elf_stream import Block
from compatbuild.image.elf_windows import Damage, DamagedError, Windows

NAME_MAX = 4096
"""Bytes of a library name or a search path: PATH_MAX of Linux."""

NEEDED_MAX = 1024
"""Libraries that one file may need, and libraries it may ask versions of."""

STRINGS_MAX = 8 << 20
"""Bytes kept of the dynamic strings, when they come late."""

VERSIONS_MAX = 8192
"""Symbol versions that one file may ask for, over all libraries."""


class Tag(IntEnum):
    """Values of d_tag; DT_VERNEED and DT_VERNEEDNUM are of the GNU symbol versioning."""

    NULL = 0
    NEEDED = 1
    STRTAB = 5
    STRSZ = 10
    SONAME = 14
    RPATH = 15
    RUNPATH = 29
    VERNEED = 0x6FFFFFFE
    VERNEEDNUM = 0x6FFFFFFF


@dataclass(frozen=True, slots=True)
class Linking:
    """The facts of a dynamic section, by the names of ElfFacts."""

    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """The loaded part of a file by address, as far as it was kept."""

    layout: Layout
    segments: tuple[Segment, ...]
    windows: Windows

    def offset(self, address: int, what: str) -> int:
        """Return where in the file an address lies; DamagedError when no segment holds it."""
        for segment in self.segments:
            if segment.type == SegmentType.LOAD and segment.address <= address < segment.address + segment.size:
                return address - segment.address + segment.offset
        raise DamagedError(f"{what} not readable")


class StringsReader:
    """Keeps the strings of a dynamic section that come after it.

    Linkers put them into the first loaded segment, but patchelf, and with it auditwheel, moves them to the end.
    """

    def __init__(self, layout: Layout, segments: tuple[Segment, ...], windows: Windows) -> None:
        self._memory = Memory(layout, segments, windows)
        self._dynamic = next((s for s in segments if s.type == SegmentType.DYNAMIC), None)
        self._strings = Windows([])

    @property
    def resume(self) -> int:
        """The end of the dynamic section; then the next byte of the strings."""
        return self._strings.resume if self._dynamic is None else self._dynamic.end

    def scan(self, block: Block) -> None:
        """Read where the strings are as soon as that is known, and copy them."""
        if self._dynamic is not None:
            start, stop = self._range(self._dynamic)
            if start >= block.base:
                self._strings = Windows([(start, stop)])
                self._memory.windows.join(self._strings)
            self._dynamic = None
        self._strings.scan(block)

    def _range(self, segment: Segment) -> tuple[int, int]:
        """Return where the strings are; DamagedError is of no interest before the end."""
        damage = Damage()
        with damage:
            return _Dynamic(self._memory, segment, damage).strings_range
        return -1, -1


def read_interpreter(memory: Memory, absent: Collection[int], damage: Damage) -> str:
    """Return the program interpreter, empty without one; for ``absent`` see read_linking."""
    for segment in memory.segments:
        if segment.type == SegmentType.INTERP and segment.size and segment.address not in absent:
            with damage:
                return memory.windows.text(segment.offset, min(segment.size, NAME_MAX), "interpreter")
    return ""


def read_linking(memory: Memory, absent: Collection[int], damage: Damage) -> Linking:
    """Read the dynamic section; ``absent`` are addresses whose contents a detached debug file leaves out."""
    for segment in memory.segments:
        if segment.type == SegmentType.DYNAMIC and segment.size and segment.address not in absent:
            with damage:
                return _Dynamic(memory, segment, damage).linking()
    return Linking()


class _Dynamic:
    """One dynamic section and the strings that it refers to."""

    def __init__(self, memory: Memory, segment: Segment, damage: Damage) -> None:
        self._memory = memory
        self._damage = damage
        size = memory.layout.dynamic.size
        length = min(segment.size, PART_MAX)
        table = memory.windows.read(segment.offset, length - length % size, "dynamic section")
        entries = memory.layout.dynamic.iter_unpack(table)
        self._entries = tuple(takewhile(lambda entry: entry[0] != Tag.NULL, entries))
        self._last = dict(self._entries)  # the last of a kind counts, as in glibc's elf_get_dynamic_info

    def linking(self) -> Linking:
        if Tag.STRTAB not in self._last:
            return Linking()
        return Linking(
            soname="".join(tuple(self._texts(Tag.SONAME))[-1:]),
            needed=tuple(self._texts(Tag.NEEDED)),
            rpath=self._paths(Tag.RPATH),
            runpath=self._paths(Tag.RUNPATH),
            versions=self._versions(),
        )

    @cached_property
    def _strings(self) -> int:
        return self._memory.offset(self._last.get(Tag.STRTAB, -1), "dynamic strings")

    @property
    def strings_range(self) -> tuple[int, int]:
        """Where the strings begin and end, as far as they are kept; DamagedError when that is not to be known."""
        return self._strings, self._strings + min(self._last.get(Tag.STRSZ, 0), STRINGS_MAX)

    def _text(self, at: int) -> str:
        left = self._last.get(Tag.STRSZ, at + NAME_MAX) - at
        return self._memory.windows.text(self._strings + at, min(left, NAME_MAX), "dynamic strings")

    def _texts(self, tag: Tag) -> Iterator[str]:
        values = [value for kind, value in self._entries if kind == tag]
        if len(values) > NEEDED_MAX:
            self._damage.note(f"more than {NEEDED_MAX} entries of one kind in the dynamic section")
        for value in values[:NEEDED_MAX]:
            with self._damage:
                yield self._text(value)

    def _paths(self, tag: Tag) -> tuple[str, ...]:
        return tuple(path for paths in self._texts(tag) for path in paths.split(":") if path)

    def _versions(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        with self._damage:
            for library, version in islice(self._asked(), VERSIONS_MAX):
                found.setdefault(library, {})[version] = None
        return {library: tuple(versions) for library, versions in found.items()}

    def _asked(self) -> Iterator[tuple[str, str]]:
        """Follow the list of libraries and, for each, its list of versions; both only ever lead forward in the file."""
        if Tag.VERNEED not in self._last:
            return
        windows, need, aux = self._memory.windows, self._memory.layout.need, self._memory.layout.needed_version
        at = self._memory.offset(self._last[Tag.VERNEED], "symbol versions")
        for _ in range(min(self._last.get(Tag.VERNEEDNUM, NEEDED_MAX), NEEDED_MAX)):
            _, count, name, aux_at, following = need.unpack(windows.read(at, need.size, "symbol versions"))
            library, aux_at = self._text(name), at + aux_at
            for _ in range(count):
                *_, version, next_aux = aux.unpack(windows.read(aux_at, aux.size, "symbol versions"))
                yield library, self._text(version)
                if not next_aux:
                    break
                aux_at += next_aux
            if not following:
                return
            at += following
