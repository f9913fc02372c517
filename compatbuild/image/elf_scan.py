"""Reads an ELF file as it streams by, in one pass and bounded memory.

What stays of a file are windows: its beginning, small tables, the beginnings of loaded segments (KEEP_MAX bytes at
most, ``elf_keep``), and dynamic strings that come late (STRINGS_MAX); besides, one block and one excerpt (OBJECT_MAX)
are in memory at a time. Stretches that nobody waits for are not even copied.
"""

from compatbuild.image.bpf import BpfReader
from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_format import (
    MAGIC,
    Layout,
    SectionFlag,
    SectionType,
    Segment,
    SegmentType,
    read_header,
    read_segments,
)
from compatbuild.image.elf_keep import ranges_to_keep, searchable, writable
from compatbuild.image.elf_linking import Memory, StringsReader, read_interpreter, read_linking
from compatbuild.image.elf_notes import read_notes
from compatbuild.image.elf_sections import read_sections
from compatbuild.image.elf_stream import BLOCK, LOOK, Block, Reader, Scope
from compatbuild.image.elf_windows import Damage, Windows
from compatbuild.image.fatbin import FatbinReader
from compatbuild.image.gobuild import GoReader
from compatbuild.image.hipfat import HipReader
from compatbuild.image.interests import Interests
from compatbuild.image.markers import MarkerReader


class ElfScan:
    """Takes in one file piece by piece and tells its facts at the end.

    ``path`` is the file's path in the image, which decides about its markers, ``size`` its length in bytes. Nothing
    in a file makes this raise.
    """

    def __init__(self, path: str, size: int, interests: Interests) -> None:
        self._path = path
        self._size = size
        self._interests = interests
        self._base = 0
        self._pending = bytearray()  # what was not passed on yet, after LOOK bytes that were
        self._file: _File | None = None
        self._resume = 0
        self._rejected = False

    @property
    def _position(self) -> int:
        return self._base + len(self._pending)

    def feed(self, data: bytes | memoryview) -> None:
        """Take in the next bytes of the file, any number of them."""
        view = memoryview(data)
        while view and not self._rejected:
            skipped = self._skip(len(view))
            taken = view[skipped:][: LOOK + BLOCK - len(self._pending)]
            self._pending += taken
            view = view[skipped + len(taken) :]
            if self._file is None and not MAGIC.startswith(self._pending[: len(MAGIC)]):
                self._rejected = True
            elif len(self._pending) == LOOK + BLOCK:
                self._pass_on(last=False)

    def result(self) -> ElfFacts | None:
        """Return the facts once all is fed, None when the file is not ELF."""
        if not self._rejected:
            self._pass_on(last=True)
        return None if self._rejected or self._file is None else self._file.facts(self._position)

    def _skip(self, length: int) -> int:
        """Drop the bytes that nobody waits for; return how many of the next ``length`` are among them."""
        skipped = min(self._resume - self._position, length)
        if skipped <= 0:
            return 0
        self._base = self._position + skipped
        self._pending.clear()
        return skipped

    def _pass_on(self, *, last: bool) -> None:
        if self._file is None:
            head = bytes(self._pending)
            layout = Layout.of(head)
            if layout is None:
                self._rejected = True
                return
            self._file = _File(layout, head, self._path, self._size, self._interests)
        self._resume = self._file.scan(Block(self._base, self._pending, last))
        self._base += max(0, len(self._pending) - LOOK)
        del self._pending[:-LOOK]


class _File:
    """An ELF file of which the beginning is known."""

    def __init__(self, layout: Layout, head: bytes, path: str, size: int, interests: Interests) -> None:
        self._size = size
        self._layout = layout
        self._damage = Damage()
        self._header = read_header(layout, head, self._damage)
        start, stop = self._header.segments_range(layout)
        segments = read_segments(layout, self._header, head[start:stop], Damage())
        self._windows = Windows(ranges_to_keep(layout, self._header, segments, head, size))
        self._strings = StringsReader(layout, segments, self._windows)
        scope = searchable(segments, size)
        self._fatbins = FatbinReader(scope if interests.device_code else Scope([]), self._damage)
        self._hip = HipReader(scope if interests.device_code else Scope([]), self._fatbins, self._damage)
        self._markers = MarkerReader(path, interests.markers, scope)
        self._bpf = BpfReader(scope if interests.bpf else Scope([]), self._damage)
        self._go = GoReader(writable(segments, size) if interests.go else Scope([]), self._damage)
        # The windows come before the strings, which are found through them, and the fatbins before those who search
        # for text, because they tell where there is none.
        self._readers: tuple[Reader, ...] = (
            self._windows,
            self._strings,
            self._fatbins,
            self._hip,
            self._markers,
            self._bpf,
            self._go,
        )

    def scan(self, block: Block) -> int:
        """Show a block to all readers; return the first offset that any of them waits for."""
        for reader in self._readers:
            if block.last or reader.resume < block.end:
                reader.scan(block)
        return min(reader.resume for reader in self._readers)

    def facts(self, position: int) -> ElfFacts:
        """Return the facts, after ``position`` bytes."""
        if position < self._size:
            self._damage.note(f"ends after {position} of {self._size} bytes")
        sections = read_sections(self._layout, self._header, self._windows, self._damage)
        absent = {s.address for s in sections if s.type == SectionType.NOBITS and s.flags & SectionFlag.ALLOC}
        memory = Memory(self._layout, self._read_segments(), self._windows)
        linking = read_linking(memory, absent, self._damage)
        notes = read_notes(memory, self._header.machine, self._damage)
        aligns = [s.align for s in memory.segments if s.type == SegmentType.LOAD]
        return ElfFacts(
            machine=self._header.machine,
            bits=self._layout.bits,
            type=self._header.type,
            interpreter=read_interpreter(memory, absent, self._damage),
            soname=linking.soname,
            needed=linking.needed,
            rpath=linking.rpath,
            runpath=linking.runpath,
            versions=linking.versions,
            sections=tuple(s.name for s in sections if s.name),
            isa_needed=notes.isa_needed,
            load_align=min(aligns, default=0),
            abi_kernel=notes.abi_kernel,
            device_code=self._fatbins.targets(sections),
            hip=self._hip.targets,
            bpf=tuple(self._bpf.objects),
            go=self._go.settings(memory),
            markers=self._markers.found,
            damaged=str(self._damage),
        )

    def _read_segments(self) -> tuple[Segment, ...]:
        """Read the program headers once more: at the first block they may have been yet to come."""
        start, stop = self._header.segments_range(self._layout)
        return read_segments(self._layout, self._header, self._windows.peek(start, stop - start), self._damage)
