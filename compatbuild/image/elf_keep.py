"""Which ranges of an ELF file to keep, and which are worth searching, decided from its first block alone.

The dynamic section names its strings and versions by address, and usually comes after them. So the beginnings of the
loaded segments before it are kept: that is where linkers put these tables. Section headers come last, with their
names before them.
"""

from collections.abc import Iterable, Iterator

from compatbuild.image.elf_format import SECTIONS_MAX, Access, Header, Layout, Segment, SegmentType
from compatbuild.image.elf_stream import BLOCK, Scope

HEAD = BLOCK
"""Bytes kept from the beginning of the file, which hold the program headers."""

LOAD_MAX = 12 << 20
"""Bytes kept from the beginning of a loaded segment. dockerd has its symbol versions at 11.3 MiB, Node.js at 7.4."""

PART_MAX = 65_536
"""Bytes kept of a dynamic section, of a segment of notes and of the interpreter's name, each."""

TAIL = 4 << 20
"""Bytes kept before the section headers: the names of sections lie there, with lld before the names of symbols."""

KEEP_MAX = 16 << 20
"""Bytes kept of one file."""

SMALL = {SegmentType.DYNAMIC, SegmentType.INTERP, SegmentType.NOTE, SegmentType.GNU_PROPERTY}


def ranges_to_keep(
    layout: Layout, header: Header, segments: Iterable[Segment], head: bytes, size: int
) -> list[tuple[int, int]]:
    """Return the ranges to keep of a file of ``size`` bytes that begins with ``head``; KEEP_MAX bytes at most."""
    segments = tuple(segments)
    wanted = [(0, HEAD), header.segments_range(layout)]
    wanted += [(s.offset, min(s.end, s.offset + PART_MAX)) for s in segments if s.type in SMALL]
    wanted += _section_headers(layout, header, head)
    wanted += [(s.offset, min(s.end, s.offset + LOAD_MAX)) for s in _before_dynamic(segments)]
    if header.segment_count and not segments:  # they come late, and what they tell of may lie anywhere
        wanted.append((0, LOAD_MAX))
    return list(_affordable(wanted, size))


def _before_dynamic(segments: tuple[Segment, ...]) -> Iterator[Segment]:
    last = max((s.offset for s in segments if s.type == SegmentType.DYNAMIC), default=0)
    code = set(code_only(segments))
    loads = (s for s in segments if s.type == SegmentType.LOAD and s.offset < last and s not in code)
    yield from sorted(loads, key=lambda s: s.offset)


def _section_headers(layout: Layout, header: Header, head: bytes) -> Iterator[tuple[int, int]]:
    if not header.sections_at:
        return
    at, width = header.sections_at, layout.section.size
    count = min(header.section_count or SECTIONS_MAX, SECTIONS_MAX)
    yield max(0, at - TAIL), at + count * width
    names = head[at + header.names_index * width :][:width]
    if len(names) == width:  # the table comes first, as Go's linker has it: the names may be anywhere behind it
        _, _, _, _, offset, length, *_ = layout.section.unpack(names)
        yield offset, offset + min(length, TAIL)


def _affordable(ranges: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    left = KEEP_MAX
    for start, stop in ranges:
        affordable = min(stop, size, start + left)
        if start < affordable:
            yield start, affordable
            left -= affordable - start


def code_only(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the segments that hold machine code alone.

    Linkers put read-only data into a segment of its own or in with the code; where there is one for it, the code's
    holds no data.
    """
    loads = tuple(s for s in segments if s.type == SegmentType.LOAD and s.size)
    if any(not s.access & (Access.EXECUTE | Access.WRITE) for s in loads):
        yield from (s for s in loads if s.access & Access.EXECUTE and not s.access & Access.WRITE)


def searchable(segments: Iterable[Segment], size: int) -> Scope:
    """Return the parts of a file that may hold text and embedded files: what is loaded and not machine code.

    A file without loaded segments, such as a relocatable object, is searched as a whole.
    """
    segments = tuple(segments)
    code = set(code_only(segments))
    loads = [s for s in segments if s.type == SegmentType.LOAD]
    return Scope(_in_order((s for s in loads if s not in code), size) if loads else [(0, size)])


def writable(segments: Iterable[Segment], size: int) -> Scope:
    """Return the data segments of a file."""
    data = Access.WRITE
    loads = (s for s in segments if s.type == SegmentType.LOAD)
    return Scope(_in_order((s for s in loads if s.access & (data | Access.EXECUTE) == data), size))


def _in_order(segments: Iterable[Segment], size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of segments in a file of ``size`` bytes, sorted and without overlaps."""
    done = 0
    for segment in sorted(segments, key=lambda s: s.offset):
        start, stop = max(segment.offset, done), min(segment.end, size)
        if start < stop:
            yield start, stop
            done = stop
