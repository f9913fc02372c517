"""Compression: bombs, what follows the stream, windows, and media types that lie."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable

from tests.builders.layers import Layer, file, layer, sha256, tar
from tests.hostile.case import HONEST, MPI, Case, built, image, raw, refused, trick, zeros

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BOTH = {**HONEST, **MPI}
TAR = tar([trick()])
GZIP = gzip.compress(TAR, mtime=0)
ZSTD = zstd.compress(TAR)
SKIPPABLE = b"\x50\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
OCI = "application/vnd.oci.image.layer.v1."


def stored_as(blob: bytes, content: bytes = TAR, media_type: str = f"{OCI}tar+gzip") -> Layer:
    """Return a layer whose stored bytes and media type are given."""
    return Layer(blob, sha256(content), media_type)


def window(log: int) -> bytes:
    """Return a zstd frame of the trick, with a header that asks for a window of 2^log bytes."""
    frame = zstd.ZstdCompressor(
        options={zstd.CompressionParameter.window_log: 20, zstd.CompressionParameter.content_size_flag: 0}
    )
    data = bytearray(frame.compress(TAR[:512]) + frame.compress(TAR[512:]) + frame.flush())
    assert not data[4] & 0x20  # not a single segment: byte 5 is the window descriptor (RFC 8878, 3.1.1.1.2)
    data[5] = (log - 10) << 3
    return bytes(data)


def dictionary() -> bytes:
    """Return the trick in xz, with a block header that asks for a dictionary of 4 GiB (xz file format, 3.1 and 5.3.1)."""
    data = bytearray(lzma.compress(TAR))
    size = 4 * (data[12] + 1)
    assert data[14:16] == b"\x21\x01"  # LZMA2, with one byte of properties
    data[16] = 40
    data[12 + size - 4 : 12 + size] = zlib.crc32(data[12 : 12 + size - 4]).to_bytes(4, "little")
    return bytes(data)


def bomb(size: int, pack: Callable[[bytes], bytes] | None = None) -> Callable[[], Layer]:
    """Return what makes a layer with a file of zeros of that size."""
    if pack is None:
        return lambda: zeros("usr/share/zeros", size)
    return lambda: raw(
        tar([file("usr/share/zeros", bytes(size))]), blob=pack(tar([file("usr/share/zeros", bytes(size))]))
    )


def tiny_members() -> Layer:
    """Return the trick as 300,000 gzip members, all but one empty."""
    return stored_as(gzip.compress(b"", mtime=0) * 300_000 + GZIP)


def tiny_frames() -> Layer:
    """Return the trick behind 300,000 skippable zstd frames."""
    return stored_as(SKIPPABLE * 300_000 + ZSTD)


def byte_by_byte() -> Layer:
    """Return the trick with a gzip member for each byte."""
    return stored_as(b"".join(gzip.compress(TAR[at : at + 1], mtime=0) for at in range(len(TAR))))


CASES = (
    Case(
        "gzip-members",
        "one archive in many gzip members",
        image(stored_as(gzip.compress(TAR[:700]) + gzip.compress(TAR[700:]))),
        facts=BOTH,
    ),
    Case(
        "gzip-padded", "zeros behind the gzip stream, as tapes have", image(stored_as(GZIP + bytes(4096))), facts=BOTH
    ),
    refused(
        "gzip-garbage",
        "something else behind the gzip stream",
        image(stored_as(GZIP + b"#!/bin/sh\n")),
        "something else follows",
    ),
    refused(
        "gzip-then-zstd", "a zstd frame behind the gzip stream", image(stored_as(GZIP + ZSTD)), "something else follows"
    ),
    refused("gzip-cut", "a gzip stream that is cut off", image(stored_as(GZIP[:-20])), "cut off"),
    refused(
        "gzip-crc",
        "a gzip stream with a wrong checksum",
        image(stored_as(GZIP[:-8] + b"\0\0\0\0" + GZIP[-4:])),
        "damaged",
    ),
    refused(
        "gzip-damaged",
        "a gzip stream with damage inside",
        image(stored_as(GZIP[:30] + b"\xff" * 9 + GZIP[39:])),
        "cannot be read",
    ),
    Case("gzip-empty-members", "300,000 empty gzip members", built(tiny_members), facts=BOTH),
    Case("gzip-member-a-byte", "a gzip member for every byte", built(byte_by_byte), facts=BOTH),
    Case("gzip-bomb", "a file of 1 GiB of zeros in 1 MB", built(bomb(1 << 30)), facts=HONEST),
    Case(
        "gzip-bomb-over-the-ratio",
        "what decompresses to more than 250 times its size is given up, here from 32 MiB on",
        built(bomb(64 << 20)),
        1,
        ("250 times its size",),
        options=("--limit", "ratio_from=32MiB"),
    ),
    Case(
        "gzip-twice",
        "a layer compressed twice",
        image(stored_as(gzip.compress(GZIP), GZIP)),
        1,
        ("cut off within a tar header",),
    ),
    Case(
        "gzip-nested-bomb",
        "a bomb within a file of the layer stays a file",
        image(layer(trick(), file("bomb.gz", gzip.compress(gzip.compress(bytes(50 << 20)))))),
        facts=BOTH,
    ),
    Case(
        "zstd-skippable",
        "a skippable frame before, between and behind",
        image(stored_as(SKIPPABLE + zstd.compress(TAR[:700]) + SKIPPABLE + zstd.compress(TAR[700:]) + SKIPPABLE)),
        facts=BOTH,
    ),
    Case("zstd-skippable-many", "300,000 skippable frames", built(tiny_frames), facts=BOTH),
    refused(
        "zstd-skippable-endless",
        "a skippable frame of 4 GiB, of which nothing is there",
        image(stored_as(b"\x50\x2a\x4d\x18\xff\xff\xff\xff")),
        "cut off",
    ),
    refused("zstd-window", "a zstd frame that asks for a window of 2 GiB", image(stored_as(window(31))), "damaged"),
    refused("zstd-cut", "a zstd frame that is cut off", image(stored_as(ZSTD[:-9])), "cut off"),
    refused(
        "zstd-garbage",
        "something else behind the zstd frame",
        image(stored_as(ZSTD + b"garbage")),
        "something else follows",
    ),
    Case("zstd-bomb", "128 MiB of zeros in 12 kB of zstd", built(bomb(128 << 20, zstd.compress))),
    Case("bzip2-bomb", "64 MiB of zeros in 50 bytes of bzip2", built(bomb(64 << 20, bz2.compress))),
    Case("xz-bomb", "64 MiB of zeros in xz", built(bomb(64 << 20, lambda data: lzma.compress(data, preset=0)))),
    refused(
        "xz-dictionary", "an xz stream that asks for a dictionary of 4 GiB", image(stored_as(dictionary())), "damaged"
    ),
    Case("xz-plain", "a layer in xz, which docker reads too", image(stored_as(lzma.compress(TAR))), facts=BOTH),
    Case("media-type-gzip-for-zstd", "a zstd layer that is called gzip", image(stored_as(ZSTD)), facts=BOTH),
    Case(
        "media-type-zstd-for-plain",
        "a plain layer that is called zstd",
        image(stored_as(TAR, media_type=f"{OCI}tar+zstd")),
        facts=BOTH,
    ),
    refused("blob-empty", "an empty blob", image(stored_as(b"", b"")), "empty"),
    Case(
        "gzip-of-nothing",
        "a layer that decompresses to nothing",
        image(stored_as(gzip.compress(b""), b"")),
        facts=HONEST,
    ),
    refused("zlib-not-gzip", "a zlib stream where gzip belongs", image(stored_as(zlib.compress(TAR))), "Layer 2 of 2"),
)
