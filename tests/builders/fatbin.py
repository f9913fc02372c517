"""CUDA fatbins made byte by byte, after the layout described in compatbuild.image.fatbin."""

from __future__ import annotations

from struct import Struct

ENTRY = Struct("<HHIQIIHHIIIQQQ")
PTX, CUBIN, LTOIR, CONCATENATED = 1, 2, 0x40, 0x100
LZ4, ZSTD = 0x2000, 0x8000
SUFFIX = {"": 0, "a": 0x100000, "f": 0x200000}


def entry(
    kind: int,
    target: str,
    payload: bytes = b"",
    *,
    isa: tuple[int, int] = (0, 0),
    flags: int = 0x11,
    options: bytes = b"",
) -> bytes:
    """Return an entry for ``target`` (``90a``), with a text of options behind its header; payloads are padded to 8."""
    payload += bytes(-len(payload) % 8)
    return header(kind, target, len(payload), isa=isa, flags=flags, options=options) + payload


def header(
    kind: int, target: str, payload: int, *, isa: tuple[int, int] = (0, 0), flags: int = 0x11, options: bytes = b""
) -> bytes:
    """Return the header alone of an entry with a payload of that many bytes."""
    number = target.rstrip("af")
    major, minor = isa
    tail = b""
    if options:
        tail = Struct("<II").pack(ENTRY.size + 8, len(options)) + options + bytes(4)
        tail += bytes(-len(tail) % 8)
    at = ENTRY.size if options else 0
    flags |= SUFFIX[target[len(number) :]]
    fixed = ENTRY.pack(
        kind, 0x0101, ENTRY.size + len(tail), payload, 0, at, minor, major, int(number), 0, 0, flags, 0, payload
    )
    return fixed + tail


def cubin(target: str, payload: bytes = b"cubin", *, flags: int = 0x11) -> bytes:
    return entry(CUBIN, target, payload, flags=flags)


def ptx(target: str, isa: tuple[int, int], payload: bytes = b"ptx", *, flags: int = 0x11) -> bytes:
    return entry(PTX, target, payload, isa=isa, flags=flags)


def concatenated(*headers: bytes, payload: bytes = b"together") -> bytes:
    """Return an entry that lists these headers in clear before one payload."""
    listed = Struct("<II").pack(len(headers), sum(map(len, headers))) + b"".join(headers)
    payload += bytes(-len(payload) % 8)
    fixed = ENTRY.pack(
        CONCATENATED, 0x0101, ENTRY.size + len(listed), len(payload), 0, ENTRY.size, 0, 0, 0, 0, 0, ZSTD, 0, 0
    )
    return fixed + listed + payload


def container(*entries: bytes) -> bytes:
    content = b"".join(entries)
    return Struct("<IHHQ").pack(0xBA55ED50, 1, 16, len(content)) + content
