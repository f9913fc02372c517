"""Decompression of squashfs blocks: each is small, of a known largest size, and never inflates beyond it.

Format: squashfs 4.0, whose superblock numbers the compressors (Linux, ``fs/squashfs/squashfs_fs.h``). gzip, xz and
zstd need nothing that this package does not bring; lz4 is the extra ``sif``; lzo has no package that installs without
a C library, so that it is used where somebody has it.
"""

import lzma
import sys
import zlib
from collections.abc import Callable
from types import ModuleType

from compatbuild.errors import ImageError, SourceError
from compatbuild.image.limits import DEFAULT

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ZLIB: ModuleType = zlib
try:
    from isal import isal_zlib

    _ZLIB = isal_zlib
except ImportError:  # no wheel for this machine: zlib gives the same bytes more slowly
    pass

Uncompress = Callable[[bytes, int], bytes]
"""Takes a stored block and the most bytes it may become."""

_DAMAGED = (zlib.error, _ZLIB.error, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError)


def codec(number: int) -> Uncompress:
    """Return what decompresses the blocks of a file system; SourceError when that needs a package that is missing."""
    match number:
        case 1:
            return _gzip
        case 3:
            return _lzo()
        case 4:
            return _xz
        case 5:
            return _lz4()
        case 6:
            return _zstd
    raise ImageError(f"its compressor has number {number}: 1 gzip, 3 lzo, 4 xz, 5 lz4 and 6 zstd are read")


def _gzip(block: bytes, limit: int) -> bytes:
    decoder = _ZLIB.decompressobj()
    return _whole(lambda: decoder.decompress(block, limit + 1), lambda: bool(decoder.eof), "gzip", limit)


def _xz(block: bytes, limit: int) -> bytes:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DEFAULT.xz_memory)
    return _whole(lambda: decoder.decompress(block, limit + 1), lambda: decoder.eof, "xz", limit)


def _zstd(block: bytes, limit: int) -> bytes:
    decoder = zstd.ZstdDecompressor()
    return _whole(lambda: decoder.decompress(block, limit + 1), lambda: decoder.eof, "zstd", limit)


def _whole(decompress: Callable[[], bytes], is_over: Callable[[], bool], name: str, limit: int) -> bytes:
    """Decompress a block that must be whole and become at most so many bytes."""
    try:
        content = decompress()
    except _DAMAGED as error:
        raise ImageError(f"a {name} block of it is damaged ({error})") from error
    if len(content) > limit:
        raise ImageError(f"a {name} block of it holds more than the {limit:,} bytes of a block")
    if not is_over():
        raise ImageError(f"a {name} block of it is cut off")
    return content


def _lz4() -> Uncompress:
    try:
        from lz4 import block as lz4  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SourceError(
            "This image is compressed with lz4, which needs the package lz4",
            why=str(error),
            remedy="pip install 'compatbuild[sif]'",
        ) from error

    def uncompress(block: bytes, limit: int) -> bytes:
        try:  # squashfs stores bare blocks, not frames (``lz4_wrapper.c``)
            content: bytes = lz4.decompress(block, uncompressed_size=limit)
        except (lz4.LZ4BlockError, ValueError, MemoryError) as error:
            raise ImageError(f"an lz4 block of it is damaged ({error})") from error
        return content

    return uncompress


def _lzo() -> Uncompress:
    try:
        import lzo  # noqa: PLC0415 - not even an extra
    except ImportError as error:
        raise SourceError(
            "This image is compressed with lzo, which needs the package python-lzo",
            why=str(error),
            remedy="pip install python-lzo (it builds with liblzo2's headers), or pack the tree with gzip",
        ) from error

    def uncompress(block: bytes, limit: int) -> bytes:
        try:  # a bare block: no header, so that the size of the buffer is given
            content: bytes = lzo.decompress(block, False, limit)
        except (lzo.error, ValueError, MemoryError) as error:
            raise ImageError(f"an lzo block of it is damaged ({error})") from error
        return content

    return uncompress
