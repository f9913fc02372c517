"""ELF files made byte by byte: small, loadable in shape, in both widths and byte orders; and BPF objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.interests import Interests

ALL = Interests(elf=True, device_code=True, bpf=True, go=True)

BASE = 0x400000
"""Address of the first byte of the file."""

X86_64, BPF = 62, 247
LOAD, DYNAMIC, INTERP, NOTE, GNU_PROPERTY = 1, 2, 3, 4, 0x6474E553
R, RW, RX = 4, 6, 5
PROGBITS, STRTAB, NOBITS = 1, 3, 8
ALLOC, EXECINSTR = 2, 4
DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 10, 14, 15, 29
DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF


def read(
    data: bytes, interests: Interests = ALL, *, path: str = "/usr/bin/it", pieces: Iterable[int] = ()
) -> ElfFacts | None:
    """Read a file that comes in pieces of these sizes, and the rest at once."""
    scan = ElfScan(path, len(data), interests)
    view = memoryview(data)
    for size in pieces:
        scan.feed(view[:size])
        view = view[size:]
    scan.feed(view)
    return scan.result()


def facts(data: bytes, interests: Interests = ALL, *, path: str = "/usr/bin/it") -> ElfFacts:
    """Read a file that is ELF."""
    found = read(data, interests, path=path)
    assert found is not None
    return found


def elf(
    *,
    needed: Sequence[str] = (),
    soname: str = "",
    rpath: str = "",
    runpath: str = "",
    versions: Mapping[str, Sequence[str]] | None = None,
    interpreter: str = "",
    machine: int = X86_64,
    bits: int = 64,
    order: str = "<",
    kind: int = 3,
    isa: int | None = None,
    isa_segment: int = GNU_PROPERTY,
    abi_kernel: str = "",
    align: int = 0x1000,
    sections: Mapping[str, bytes] | None = None,
    data: bytes = b"",
    padding: int = 0,
    strings_last: bool = False,
    headers: bool = True,
) -> bytes:
    """Return an ELF file with these facts.

    ``isa`` is the mask of GNU_PROPERTY_X86_ISA_1_NEEDED, in a segment of the type ``isa_segment``. ``sections`` and
    ``padding`` bytes before them lie in the read-only segment, ``data`` in the writable one; every section begins at a
    multiple of 16. ``strings_last`` puts the dynamic strings behind the dynamic section, as patchelf does; without
    ``headers`` there is no section table.
    """
    file = File(bits, order, machine, kind)
    if interpreter:
        file.segment(INTERP, R, file.add(interpreter.encode() + b"\0", ".interp"))
    if isa is not None:
        note = file.note(5, file.property(isa), align=bits // 8)
        file.segment(isa_segment, R, file.add(note, ".note.gnu.property"), bits // 8)
    if abi_kernel:
        tag = file.words(0, *map(int, abi_kernel.split(".")))
        file.segment(NOTE, R, file.add(file.note(1, tag), ".note.ABI-tag"), 4)
    strings, entries = Strings(), []
    for tag_, names in ((DT_NEEDED, needed), (DT_SONAME, [soname]), (DT_RPATH, [rpath]), (DT_RUNPATH, [runpath])):
        entries += [(tag_, strings.add(name)) for name in names if name]
    if versions:
        entries.append((DT_VERNEED, BASE + file.add(file.verneed(versions, strings), ".gnu.version_r")[0]))
        entries.append((DT_VERNEEDNUM, len(versions)))
    if entries and not strings_last:
        entries.append((DT_STRTAB, BASE + file.add(bytes(strings), ".dynstr")[0]))
    file.add(bytes(padding))
    for name, content in (sections or {}).items():
        file.add(content, name)
    split = file.end
    if entries:
        _dynamic(file, entries, strings)
    if data:
        file.add(data, ".data")
    file.segment(LOAD, R, (0, split), align)
    file.segment(LOAD, RW, (split, file.end - split), align)
    return file.done(headers=headers)


def _dynamic(file: File, entries: list[tuple[int, int]], strings: Strings) -> None:
    """Add the dynamic section, and behind it the strings if they have no place yet."""
    entries = [*entries, (DT_STRSZ, len(bytes(strings)))]
    placed = any(tag == DT_STRTAB for tag, _ in entries)
    size = len(file.dynamic(entries)) + (1 if placed else 2) * len(file.dynamic([(0, 0)]))
    behind = -(-(file.end + size) // 16) * 16
    if not placed:
        entries.append((DT_STRTAB, BASE + behind))
    file.segment(DYNAMIC, RW, file.add(file.dynamic([*entries, (0, 0)]), ".dynamic"))
    if not placed:
        assert file.add(bytes(strings), ".dynstr")[0] == behind


@dataclass
class Strings:
    """A string table."""

    data: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        """Append a string and return its index."""
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at

    def __bytes__(self) -> bytes:
        return bytes(self.data)


@dataclass
class Row:
    """A section to be."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int


class File:
    """An ELF file under construction: contents first, tables at the end, the header when all is known."""

    def __init__(self, bits: int, order: str, machine: int, type_: int, *, segments: int = 16) -> None:
        """Leave room for the header and ``segments`` program headers."""
        self.wide = bits == 64
        self.order = order
        self.machine = machine
        self.type = type_
        self.rows: list[Row] = []
        self.segments: list[tuple[int, int, int, int, int]] = []
        self._room = segments
        self.body = bytearray((64 if self.wide else 52) + segments * (56 if self.wide else 32))

    @property
    def end(self) -> int:
        """The offset of the next thing, a multiple of 16."""
        return -(-len(self.body) // 16) * 16

    def add(self, content: bytes, name: str = "", *, type_: int = PROGBITS, flags: int = ALLOC) -> tuple[int, int]:
        """Append content, as a section if it has a name; return offset and size."""
        at = self.end
        self.body += bytes(at - len(self.body)) + content
        if name:
            self.rows.append(Row(name, type_, flags, BASE + at if flags & ALLOC else 0, at, len(content)))
        return at, len(content)

    def segment(self, type_: int, access: int, place: tuple[int, int], align: int = 1) -> None:
        """Add a program header for (offset, size)."""
        self.segments.append((type_, access, *place, align))

    def words(self, *values: int) -> bytes:
        return Struct(f"{self.order}{len(values)}I").pack(*values)

    def note(self, kind: int, content: bytes, *, align: int = 4) -> bytes:
        """Return a note of the owner GNU."""
        content_at = -(-16 // align) * align
        note = self.words(4, len(content), kind) + b"GNU\0" + bytes(content_at - 16) + content
        return note + bytes(-len(note) % align)

    def property(self, isa: int) -> bytes:
        """Return the x86 properties: features used (none), then the ISA needed."""
        pad = bytes(4) if self.wide else b""
        return self.words(0xC0000002, 4, 3) + pad + self.words(0xC0008002, 4, isa) + pad

    def dynamic(self, entries: Iterable[tuple[int, int]]) -> bytes:
        pair = Struct(self.order + ("QQ" if self.wide else "II"))
        return b"".join(pair.pack(*entry) for entry in entries)

    def verneed(self, versions: Mapping[str, Sequence[str]], strings: Strings) -> bytes:
        need, aux = Struct(self.order + "HHIII"), Struct(self.order + "IHHII")
        out = bytearray()
        for place, (library, names) in enumerate(versions.items(), 1):
            size = need.size + aux.size * len(names)
            following = size if place < len(versions) else 0
            out += need.pack(1, len(names), strings.add(library), need.size, following)
            for number, name in enumerate(names, 1):
                out += aux.pack(0, 0, number + 1, strings.add(name), aux.size if number < len(names) else 0)
        return bytes(out)

    def done(self, *, headers: bool = True) -> bytes:
        """Append the section table, fill in header and program headers, and return the file."""
        assert len(self.segments) <= self._room
        table_at, count = self._section_table() if headers else (0, 0)
        phdr_at = 64 if self.wide else 52
        ident = b"\x7fELF" + bytes([2 if self.wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        head = Struct(self.order + ("HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"))
        sizes = (64, 56, 64) if self.wide else (52, 32, 40)
        phdr_at = phdr_at if self.segments else 0
        names = count - 1 if count else 0
        fields = (self.type, self.machine, 1, 0, phdr_at, table_at, 0)
        header = ident + head.pack(*fields, sizes[0], sizes[1], len(self.segments), sizes[2], count, names)
        self.body[: len(header)] = header
        if self.segments:
            table = b"".join(map(self._program_header, self.segments))
            self.body[phdr_at : phdr_at + len(table)] = table
        return bytes(self.body)

    def _program_header(self, segment: tuple[int, int, int, int, int]) -> bytes:
        type_, access, offset, size, align = segment
        address = BASE + offset
        if self.wide:
            return Struct(self.order + "IIQQQQQQ").pack(type_, access, offset, address, address, size, size, align)
        return Struct(self.order + "IIIIIIII").pack(type_, offset, address, address, size, size, access, align)

    def _section_table(self) -> tuple[int, int]:
        names = Strings()
        indices = [names.add(row.name) for row in self.rows] + [names.add(".shstrtab")]
        self.add(bytes(names), ".shstrtab", type_=STRTAB, flags=0)
        shape = Struct(self.order + ("IIQQQQIIQQ" if self.wide else "10I"))
        table = bytes(shape.size) + b"".join(
            shape.pack(index, row.type, row.flags, row.address, row.offset, row.size, 0, 0, 1, 0)
            for index, row in zip(indices, self.rows, strict=True)
        )
        return self.add(table)[0], len(self.rows) + 1


def relocatable(sections: Iterable[tuple[str, bytes, int]], *, machine: int = X86_64) -> bytes:
    """Return a relocatable object of sections: name, content, flags."""
    file = File(64, "<", machine, 1, segments=0)
    for name, content, flags in sections:
        file.add(content, name, flags=flags)
    return file.done()


def bpf_object(programs: Sequence[str] = ("xdp",), *, core_relocations: int | None = 0, padding: int = 0) -> bytes:
    """Return a BPF object; ``core_relocations`` in bytes, None for one without ``.BTF.ext``."""
    sections = [(name, b"\x95" + bytes(7), ALLOC | EXECINSTR) for name in (".text", *programs)]
    sections += [("license", b"GPL\0", ALLOC), (".rodata", bytes(padding), ALLOC)]
    if core_relocations is not None:
        header = Struct("<HBBIIIIIII").pack(0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, core_relocations)
        sections.append((".BTF.ext", header + bytes(core_relocations), 0))
    return relocatable(sections, machine=BPF)
