"""The GPU targets of HIP code: clang's offload bundles, plain and compressed, read by their headers alone.

Layout: LLVM, clang/docs/ClangOffloadBundler.rst and clang/lib/Driver/OffloadBundler.cpp; the same was found in PyPI
wheels of ROCm 6.0 to 7.15. All numbers are little endian.

- A *bundle*: MAGIC, u64 count, and of each entry u64 offset, u64 size, u64 length of its id, and the id, such as
  ``hipv4-amdgcn-amd-amdhsa--gfx90a:xnack+``. Code objects follow.
- A *compressed bundle*: COMPRESSED, u16 version, u16 method (0 zlib, 1 zstd); then in version 1 u32 plain size and u64
  hash, in version 2 u32 size of the whole, u32 plain size and u64 hash, in version 3 the same three in 64 bits each.
  The rest is a bundle, compressed as one stream.

Every bundle begins at a multiple of ALIGN in the file: clang aligns the section ``.hip_fatbin`` so, and each
translation unit's part of it, for the code objects are mapped as they lie.
"""

import re
import sys
import zlib
from collections.abc import Generator
from struct import Struct
from typing import NamedTuple

from compatbuild.image.elf_stream import NEVER, Block, Reader, Scope
from compatbuild.image.elf_windows import Damage, Windows

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ALIGN = 4096

MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
COMPRESSED = b"CCOB"

COUNT = Struct("<Q")
ENTRY = Struct("<QQQ")

METHOD = Struct("<HH")
SIZES = {1: Struct("<IQ"), 2: Struct("<IIQ"), 3: Struct("<QQQ")}
"""What follows the method, by version; the first number is the size of the whole, but in UNSIZED."""

UNSIZED = 1

ZLIB, ZSTD = 0, 1

WINDOW_LOG_MAX = 27
"""The largest zstd window, 2^27: what clang uses (long-distance matching) and zstd takes without asking."""

STREAM_MAX = 131_072 + 1024
"""Bytes of a compressed bundle that are looked at: a zstd block, which has at most 128 KiB, and the headers."""

PLAIN_MAX = 65_536
"""Bytes of a bundle that are decompressed; the headers of 20 targets have about 1,200."""

BUNDLES_MAX = 4096
"""Bundles read in one file; there is one for each translation unit."""

ENTRIES_MAX = 256
"""Entries of one bundle; ROCm supports some 30 targets."""

ID_MAX = 256
"""Bytes of an entry's id; real ones have below 60."""

TARGETS_MAX = 1024
"""Distinct targets kept of one file."""

_ID = re.compile(
    r"hip(?:v4)?-(?:amdgcn|spirv64)-amd-amdhsa-[a-z]*-"
    r"((?:gfx[0-9a-f]+(?:-[0-9]+)*(?:-generic)?|amdgcnspirv)(?::[a-z-]+[+-])*)"
)
"""An id of HIP code. Others are the host's, whose entry is empty, and OpenMP's, which runs on the host as well."""

_DAMAGED = (zlib.error, zstd.ZstdError, MemoryError)
"""What decoders raise on bad input; MemoryError when a window over the limit is asked for."""


class _Ask(NamedTuple):
    """Bytes that are wanted, by offset and length, and how many of them there must be at the end of the file."""

    offset: int
    length: int
    least: int


_Walk = Generator[_Ask, bytes, int]
"""Asks for bytes, is sent them, and returns the offset to go on from."""


class HipReader:
    """Finds the offload bundles of one file that begin in ``scope``, and lists the targets of their HIP code.

    ``ahead`` is a reader of the same file that sees each block first; what it steps over is not searched.
    """

    def __init__(self, scope: Scope, ahead: Reader, damage: Damage) -> None:
        self._scope = scope
        self._ahead = ahead
        self._damage = damage
        self._found: dict[str, None] = {}
        self._walk: _Walk | None = None
        self._asked = _Ask(0, 0, 0)
        self._copy = Windows([])
        self._bundles_left = BUNDLES_MAX
        self.resume = scope.following(0)

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets found (``gfx90a:xnack+``), the shorter first, so that gfx90a comes before gfx1030."""
        return tuple(sorted(self._found, key=lambda target: (len(target.partition(":")[0]), target)))

    def scan(self, block: Block) -> None:
        """Search a block for bundles, and read those that were found."""
        while self.resume < block.horizon or (block.last and self._walk):
            if self._walk is None:
                self._search(block)
            else:
                self._fill(self._walk, block)

    def _search(self, block: Block) -> None:
        for start, stop in self._scope.parts(self.resume, block.horizon):
            for at in range(_aligned(start), stop, ALIGN):
                if block.data.startswith((MAGIC, COMPRESSED), at - block.base):
                    self._begin(at, compressed=block.data.startswith(COMPRESSED, at - block.base))
                    return
        self.resume = self._scope.following(max(block.horizon, self._ahead.resume))

    def _begin(self, at: int, *, compressed: bool) -> None:
        if not self._bundles_left:
            self._damage.note(f"more than {BUNDLES_MAX} offload bundles")
            self.resume = NEVER
            return
        self._bundles_left -= 1
        self._walk = self._compressed(at) if compressed else self._bundle(at)
        self._ask(next(self._walk))

    def _ask(self, ask: _Ask) -> None:
        self._asked = ask
        self._copy = Windows([(ask.offset, ask.offset + ask.length)])
        self.resume = ask.offset

    def _fill(self, walk: _Walk, block: Block) -> None:
        """Copy what the walk asked for, and send it once it is complete, or the file ends."""
        self._copy.scan(block)
        self.resume = self._copy.resume
        if self.resume < NEVER and not block.last:
            return
        following = self._sent(walk, self._asked, self._copy.peek(self._asked.offset, self._asked.length))
        if isinstance(following, _Ask):
            self._ask(following)
        else:
            self._walk, self.resume = None, self._scope.following(_aligned(following))

    def _sent(self, walk: _Walk, ask: _Ask, data: bytes) -> _Ask | int:
        """Send a walk what it asked for; return what it asks for next, or the offset to go on from."""
        if len(data) < ask.least:
            self._damage.note("offload bundle cut short")
            return NEVER
        try:
            return walk.send(data)
        except StopIteration as done:
            return int(done.value)

    def _bundle(self, at: int) -> _Walk:
        """Read the entries of the bundle that begins at ``at``; return where they end."""
        at += len(MAGIC)
        (count,) = COUNT.unpack((yield _Ask(at, COUNT.size, COUNT.size)))
        at += COUNT.size
        for _ in range(min(count, ENTRIES_MAX)):
            _, _, length = ENTRY.unpack((yield _Ask(at, ENTRY.size, ENTRY.size)))
            at += ENTRY.size
            if not 0 < length <= ID_MAX:
                self._damage.note("broken offload bundle")
                break
            self._keep((yield _Ask(at, length, length)))
            at += length
        return at

    def _compressed(self, at: int) -> _Walk:
        """Read the beginning of the compressed bundle that begins at ``at``; return where it says that it ends."""
        version, method = METHOD.unpack((yield _Ask(at + len(COMPRESSED), METHOD.size, METHOD.size)))
        sizes = SIZES.get(version)
        if sizes is None or method not in (ZLIB, ZSTD):
            self._damage.note(f"offload bundle of an unknown kind ({version}, {method})")
            return at + ALIGN
        stream = at + len(COMPRESSED) + METHOD.size + sizes.size
        total, *_ = sizes.unpack((yield _Ask(stream - sizes.size, sizes.size, sizes.size)))
        end = stream + STREAM_MAX if version == UNSIZED else at + total
        if end <= stream:
            self._damage.note("broken offload bundle")
            return at + ALIGN
        length = min(end - stream, STREAM_MAX)
        self._read(_plain((yield _Ask(stream, length, 1)), method))
        return end

    def _read(self, data: bytes) -> None:
        """Read the bundle that ``data`` begins with, as far as it goes."""
        if not data.startswith(MAGIC):
            self._damage.note("broken offload bundle")
            return
        walk = self._bundle(0)
        ask: _Ask | int = next(walk)
        while isinstance(ask, _Ask):
            ask = self._sent(walk, ask, data[ask.offset : ask.offset + ask.length])

    def _keep(self, identity: bytes) -> None:
        match = _ID.fullmatch(identity.decode("ascii", "replace"))
        if match and len(self._found) < TARGETS_MAX:
            self._found[match[1]] = None


def _plain(stream: bytes, method: int) -> bytes:
    """Return the beginning of what a stream decompresses to, nothing if it does not."""
    try:
        if method == ZLIB:
            return zlib.decompressobj().decompress(stream, PLAIN_MAX)
        decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG_MAX})
        return decoder.decompress(stream, PLAIN_MAX)
    except _DAMAGED:
        return b""


def _aligned(offset: int) -> int:
    return -(-offset // ALIGN) * ALIGN
