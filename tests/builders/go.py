"""What Go's linker leaves in a program, in both forms."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

MAGIC = b"\xff Go buildinf:"
FRAME = bytes(range(0x30, 0x40))


def modules(settings: Mapping[str, str]) -> bytes:
    """Return module information between its sentinels."""
    lines = ["path\texample.org/program", "mod\texample.org/program\t(devel)\t"]
    lines += [f"build\t{key}={value}" for key, value in settings.items()]
    return FRAME + "".join(line + "\n" for line in lines).encode() + FRAME


def inline(version: str, settings: Mapping[str, str]) -> bytes:
    """Return the blob of Go 1.18 and later."""
    content = modules(settings)
    return MAGIC + bytes([8, 2]) + bytes(16) + _prefixed(version.encode()) + _prefixed(content)


def pointers(version: str, settings: Mapping[str, str], address: int, *, order: str = "<", bits: int = 64) -> bytes:
    """Return the blob of Go up to 1.17, for this address, with its strings behind it."""
    pair = Struct(order + ("QQ" if bits == 64 else "II"))
    content = modules(settings)
    strings = address + 32 + 2 * pair.size
    head = MAGIC + bytes([bits // 8, order == ">"]) + pair.pack(address + 32, address + 32 + pair.size)
    first = pair.pack(strings, len(version))
    second = pair.pack(strings + len(version), len(content))
    return head.ljust(32, b"\0") + first + second + version.encode() + content


def _prefixed(content: bytes) -> bytes:
    """Return content with its length before it, as encoding/binary's Uvarint."""
    length, prefix = len(content), bytearray()
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*prefix, length]) + content
