"""What the Go linker writes into a program about its build.

Layout: Go, src/debug/buildinfo/buildinfo.go. A blob at a multiple of 16 in a data segment begins with 14 bytes of
magic, u8 pointer size, u8 flags. Since Go 1.18 (flag 2) two strings follow at 32, each with its length as a varint
before it: the version of Go, and the module information, lines between two sentinels. Before that, two pointers to
Go strings (pointer, length) stand at 16.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from compatbuild.image.elf_excerpts import Excerpt, ExcerptReader
from compatbuild.image.elf_linking import Memory
from compatbuild.image.elf_stream import Scope
from compatbuild.image.elf_windows import Damage, DamagedError

MAGIC = b"\xff Go buildinf:"
ALIGN = 16
HEADER = 32
FLAG_BIG_ENDIAN = 1
FLAG_INLINE = 2

VERSION_MAX = 256
"""Bytes of the version of Go (``go1.26.8``, at times with experiments behind it)."""

MODULES_MAX = 1 << 20
"""Bytes of the module information; that of Kubernetes has some 30,000."""

SETTING = re.compile(r'build\t(GO[A-Z0-9_]+|CGO_ENABLED)=([^\s"`]{0,256})')
"""Settings worth keeping: how the compiler was set up. Others, such as -ldflags, may hold anything, even secrets."""

SETTINGS_MAX = 64
"""Settings kept of one program; Go writes about ten."""


@dataclass(frozen=True, slots=True)
class _Pointers:
    """The older form: where the two string headers are, and how to read them."""

    pair: Struct
    version: int
    modules: int


class GoReader(ExcerptReader):
    """Finds the build information of one Go program in its data segments, ``scope``."""

    def __init__(self, scope: Scope, damage: Damage) -> None:
        super().__init__(MAGIC, scope, align=ALIGN)
        self._damage = damage
        self._found: dict[str, str] = {}
        self._pointers: _Pointers | None = None

    def settings(self, memory: Memory) -> dict[str, str]:
        """Return the settings, and the version as ``go``; for the older form its strings must be in ``memory``."""
        if self._pointers is not None and not self._found:
            with self._damage:
                version = _string(memory, self._pointers, self._pointers.version, VERSION_MAX)
                self._found = {"go": _printable(version)}
                modules = _string(memory, self._pointers, self._pointers.modules, MODULES_MAX)
                self._found |= _settings(modules)
        return self._found

    def length(self, head: bytes) -> int:
        """Return the length of the blob, 0 if it is none: the magic alone also occurs in programs that read blobs."""
        if len(head) < HEADER:
            return 0
        if not head[len(MAGIC) + 1] & FLAG_INLINE:
            return HEADER if head[len(MAGIC)] in (4, 8) else 0
        version_at, version_size = _varint(head, HEADER)
        modules_at, modules_size = _varint(head, version_at + version_size)
        if not 0 < version_size <= VERSION_MAX or not modules_at:
            return 0
        return modules_at + (modules_size if modules_size <= MODULES_MAX else 0)

    def parse(self, excerpt: Excerpt) -> bool:
        """Take in a blob; the first one counts."""
        data = excerpt.data
        flags = data[len(MAGIC) + 1]
        if not flags & FLAG_INLINE:
            size, order = data[len(MAGIC)], ">" if flags & FLAG_BIG_ENDIAN else "<"
            pair = Struct(order + ("QQ" if size == 8 else "II"))
            self._pointers = _Pointers(pair, *pair.unpack_from(data, 16))
            return False
        version_at, version_size = _varint(data, HEADER)
        modules_at, modules_size = _varint(data, version_at + version_size)
        self._found = {"go": _printable(data[version_at : version_at + version_size])}
        self._found |= _settings(data[modules_at : modules_at + modules_size])
        if len(data) < modules_at + modules_size:
            too_large = modules_size > MODULES_MAX
            self._damage.note(f"Go module information {'too large' if too_large else 'cut short'}")
        return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return where the varint at ``at`` ends, and its value; zeros when it is cut short or longer than 64 bits."""
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return at + place + 1, value
    return 0, 0


def _string(memory: Memory, pointers: _Pointers, address: int, longest: int) -> bytes:
    what = "Go build information"
    header = memory.windows.read(memory.offset(address, what), pointers.pair.size, what)
    start, length = pointers.pair.unpack(header)
    if length > longest:
        raise DamagedError(f"{what} not readable")
    return memory.windows.read(memory.offset(start, what), length, what) if length else b""


def _settings(modules: bytes) -> dict[str, str]:
    lines: Iterable[str] = modules.decode("utf-8", "replace").split("\n")
    matches = [match for line in lines if (match := SETTING.fullmatch(line))]
    return {match[1]: match[2] for match in matches[:SETTINGS_MAX]}


def _printable(text: bytes) -> str:
    return "".join(c for c in text.decode("utf-8", "replace") if c.isprintable())
