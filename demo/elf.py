"""What the dynamic loader reads of an ELF file of this machine (System V gABI, chapters 4 and 5)."""

import struct
from dataclasses import dataclass
from pathlib import Path

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29
EM_X86_64 = 62
_IDENT = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_HEADER = struct.Struct("<16x H H I Q Q Q I H H H H H H")
_SEGMENT = struct.Struct("<I I Q Q Q Q Q Q")
_DYNAMIC = struct.Struct("<q Q")


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What a program or library asks of the loader; ``search`` is DT_RUNPATH or else DT_RPATH, unexpanded."""

    needed: tuple[str, ...]
    search: tuple[str, ...]
    interpreter: str


def dynamic(path: Path) -> Dynamic | None:
    """Return what an x86-64 ELF file asks of the loader; None for any other file."""
    with path.open("rb") as stream:
        if stream.read(len(_IDENT)) != _IDENT:
            return None
        stream.seek(0)
        data = stream.read()
    _, machine, _, _, offset, _, _, _, size, count, *_ = _HEADER.unpack_from(data)
    if machine != EM_X86_64:
        return None
    segments = [_SEGMENT.unpack_from(data, offset + size * index) for index in range(count)]
    loads = [(address, start, length) for kind, _, start, address, _, length, *_ in segments if kind == PT_LOAD]
    interpreter, entries = "", []
    for kind, _, start, _, _, length, *_ in segments:
        if kind == PT_INTERP:
            interpreter = _string(data, start)
        elif kind == PT_DYNAMIC:
            entries = list(_DYNAMIC.iter_unpack(data[start : start + length]))
    return _asked(data, entries, loads, interpreter)


def _asked(data: bytes, entries: list[tuple[int, int]], loads: list[tuple[int, int, int]], interpreter: str) -> Dynamic:
    address = next((value for tag, value in entries if tag == DT_STRTAB), 0)
    strings = next((start + address - base for base, start, length in loads if base <= address < base + length), 0)
    texts: dict[int, list[str]] = {DT_NEEDED: [], DT_RPATH: [], DT_RUNPATH: []}
    for tag, value in entries:
        if tag in texts:
            texts[tag].append(_string(data, strings + value))
    search = texts[DT_RUNPATH] or texts[DT_RPATH]
    return Dynamic(tuple(texts[DT_NEEDED]), tuple(":".join(search).split(":")) if search else (), interpreter)


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
