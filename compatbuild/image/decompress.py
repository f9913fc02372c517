"""Bounded streaming decompression of layers.

The format is told by the first bytes, never by the media type: both exist in the wild with the other's name. Formats:
gzip (RFC 1952), Zstandard (RFC 8878, skippable frames included), and xz and bzip2, which docker loads too.
"""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from compatbuild.errors import ImageError
from compatbuild.image.limits import Limits, OverLimitError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ISAL: ModuleType | None
try:
    from isal import igzip_lib

    _ISAL = igzip_lib
except ImportError:  # no wheel for this machine: zlib gives the same bytes at a quarter of the speed
    _ISAL = None

READ = 1024 * 1024
"""Stored bytes read at once: enough that handing them to another thread, to be hashed, costs nothing."""
INPUT = 128 * 1024
"""Stored bytes given to a decoder at once."""
OUTPUT = 1024 * 1024
"""Most decompressed bytes in one piece."""
FIRST_INPUT = 4 * 1024
"""Bytes given to a new decoder first. What it does not use it copies, and a blob may be 300,000 tiny members."""


class Readable(Protocol):
    """What a layer's bytes come from; ``read`` returns at most ``size`` bytes, and nothing only at the end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""


class Decoder(Protocol):
    """One member or frame being decompressed: the interface that bz2, lzma, zstd and isal share."""

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether more output needs more input."""

    @property
    def unused_data(self) -> bytes:
        """The input after the end of the member."""

    def decompress(self, data: memoryview, max_length: int) -> bytes:
        """Take input, return at most ``max_length`` bytes of output."""


@dataclass(frozen=True, slots=True)
class Format:
    """A compression format: its name, how a member begins, and what decodes one."""

    name: str
    starts: Callable[[bytes], bool]
    decoder: Callable[[Limits], Decoder]


class ZlibDecoder:
    """Zlib behind the interface of the others, for a Python without isal."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether more output needs more input."""
        return not self._full and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """The input after the end of the member."""
        return self._inner.unused_data

    def decompress(self, data: memoryview, max_length: int) -> bytes:
        """Take input, return at most ``max_length`` bytes of output."""
        output = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(output) == max_length
        return output


def _gzip_decoder(_: Limits) -> Decoder:
    if _ISAL is None:
        return ZlibDecoder()
    decoder: Decoder = _ISAL.IgzipDecompressor(flag=_ISAL.DECOMP_GZIP)
    return decoder


def _zstd_decoder(limits: Limits) -> Decoder:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: limits.zstd_window_log})


def _is_zstd(head: bytes) -> bool:
    """Say whether a Zstandard frame begins, or a skippable one (0x184D2A50 to 0x184D2A5F), which may come first."""
    return head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50)


FORMATS = (
    Format("gzip", lambda head: head[:3] == b"\x1f\x8b\x08", _gzip_decoder),
    Format("zstd", _is_zstd, _zstd_decoder),
    Format("xz", lambda head: head[:6] == b"\xfd7zXZ\0", lambda caps: lzma.LZMADecompressor(memlimit=caps.xz_memory)),
    Format("bzip2", lambda head: head[:3] == b"BZh", lambda _: bz2.BZ2Decompressor()),
)
MAGIC_BYTES = 6
_DAMAGED: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, ValueError, MemoryError)
"""What decoders raise on bad input (bz2 an OSError); MemoryError when a window over the limit is asked for."""
if _ISAL is not None:
    _DAMAGED = (*_DAMAGED, _ISAL.IsalError)


def compression(head: bytes) -> Format | None:
    """Tell the compression of a blob by its first six bytes; None for anything else."""
    return next((f for f in FORMATS if f.starts(head)), None)


def decompressed(blob: Readable, limits: Limits) -> Iterator[bytes]:
    """Yield the decompressed content of a blob in pieces of at most OUTPUT bytes.

    Raises ImageError (its ``what`` is a cause, for the caller to put in context) when the blob is empty, truncated,
    damaged, followed by something else than its format, or larger than the limits allow.
    """
    stream = _Input(blob)
    head = stream.peek(MAGIC_BYTES)
    if not head:
        raise ImageError("it is empty, where even an empty archive has content")
    kind = compression(head)
    pieces = _plain(stream) if kind is None else _members(stream, kind, limits)
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limits.layer_bytes:
            raise OverLimitError("layer_bytes", f"it decompresses to more than {limits.layer_bytes:,} bytes")
        if total > limits.ratio_from and total > limits.ratio * stream.taken:
            what = f"it decompresses to more than {limits.ratio} times its size, as only an attack does"
            raise OverLimitError("ratio", what)
        yield piece


def one_member(blob: Readable, limits: Limits) -> Iterator[bytes]:
    """Yield what one gzip member, or one frame of another format, holds that begins where a blob does.

    Raises ImageError as ``decompressed`` does; how much comes out is for the caller to limit.
    """
    stream = _Input(blob)
    kind = compression(stream.peek(MAGIC_BYTES))
    if kind is None:
        raise ImageError("nothing compressed begins where something should")
    yield from _member(stream, kind, limits)


class _Input:
    """The bytes of a blob with a position that can go back within the piece last read."""

    def __init__(self, blob: Readable) -> None:
        self._blob = blob
        self._piece = memoryview(b"")
        self._at = 0
        self.taken = 0

    def take(self, limit: int) -> memoryview:
        """Return up to ``limit`` of the next bytes, nothing at the end."""
        if self._at >= len(self._piece):
            self._piece, self._at = memoryview(self._blob.read(READ)), 0
        piece = self._piece[self._at : self._at + limit]
        self._at += len(piece)
        self.taken += len(piece)
        return piece

    def give_back(self, count: int) -> None:
        """Return the last bytes taken, which a decoder did not use."""
        self._at -= count
        self.taken -= count

    def peek(self, count: int) -> bytes:
        """Return the next bytes without taking them; fewer only at the end."""
        while len(self._piece) - self._at < count:
            more = self._blob.read(READ)
            if not more:
                break
            self._piece, self._at = memoryview(bytes(self._piece[self._at :]) + more), 0
        return bytes(self._piece[self._at : self._at + count])

    def skip_zeros(self) -> None:
        """Go past zero bytes, with which tape tools pad."""
        while piece := bytes(self.take(INPUT)):
            rest = piece.lstrip(b"\0")
            if rest:
                self.give_back(len(rest))
                return


def _plain(stream: _Input) -> Iterator[bytes]:
    while piece := stream.take(READ):
        yield bytes(piece)


def _members(stream: _Input, kind: Format, limits: Limits) -> Iterator[bytes]:
    """Decompress member after member, or frame after frame, to the end of the blob."""
    while True:
        yield from _member(stream, kind, limits)
        stream.skip_zeros()
        head = stream.peek(MAGIC_BYTES)
        if not head:
            return
        if not kind.starts(head):
            raise ImageError(f"its {kind.name} stream ends after {stream.taken:,} bytes and something else follows")


def _member(stream: _Input, kind: Format, limits: Limits) -> Iterator[bytes]:
    decoder = kind.decoder(limits)
    allowance = FIRST_INPUT
    while not decoder.eof:
        data = memoryview(b"")
        if decoder.needs_input:
            data = stream.take(allowance)
            allowance = min(4 * allowance, INPUT)
            if not data:
                raise ImageError(f"its {kind.name} stream is cut off after {stream.taken:,} bytes")
        try:
            output = decoder.decompress(data, OUTPUT)
        except _DAMAGED as error:
            raise ImageError(f"its {kind.name} stream is damaged before byte {stream.taken:,} ({error})") from error
        if output:
            yield output
        elif not (data or decoder.needs_input or decoder.eof):
            raise ImageError(f"its {kind.name} stream stops making progress at byte {stream.taken:,}")
    stream.give_back(len(decoder.unused_data))
