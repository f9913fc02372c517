"""Decompression: formats told by their first bytes, members and frames, damage, and what is too much."""

import bz2
import gzip
import io
import lzma
import random
import struct
from dataclasses import replace

import pytest

from compatbuild.errors import ImageError
from compatbuild.image import decompress
from compatbuild.image.decompress import OUTPUT, compression, decompressed
from compatbuild.image.limits import DEFAULT, MIB
from tests.builders.layers import stored as compressed

NOISE = random.Random(1).randbytes(3 * MIB)
TEXT = b"text that repeats itself " * 100_000
SKIPPABLE = struct.pack("<II", 0x184D2A53, 5) + b"meta!"


def zstd(content: bytes) -> bytes:
    return compressed(content, "zstd")


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as a socket does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 7))


def read(stored: bytes) -> bytes:
    return b"".join(decompressed(io.BytesIO(stored), DEFAULT))


@pytest.fixture(params=["isal", "zlib"])
def _inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setattr(decompress, "_ISAL", None)


@pytest.mark.usefixtures("_inflater")
@pytest.mark.parametrize("content", [b"", b"x", TEXT, NOISE], ids=["empty", "byte", "text", "noise"])
def test_gzip_gives_back_what_went_in(content: bytes) -> None:
    assert read(gzip.compress(content)) == content


@pytest.mark.usefixtures("_inflater")
@pytest.mark.parametrize("padding", [0, 1, 100_000])
def test_gzip_members_follow_each_other_and_zeros_may_follow_them(padding: int) -> None:
    members = b"".join(gzip.compress(NOISE[at : at + 50_000]) for at in range(0, 500_000, 50_000))
    assert read(members + bytes(padding)) == NOISE[:500_000]


@pytest.mark.usefixtures("_inflater")
def test_many_empty_members_are_read_in_proportion_to_their_size() -> None:
    assert read(gzip.compress(b"") * 30_000) == b""


@pytest.mark.parametrize(
    ("stored", "content"),
    [
        (zstd(TEXT), TEXT),
        (zstd(NOISE) + zstd(TEXT), NOISE + TEXT),
        (SKIPPABLE + zstd(TEXT) + SKIPPABLE + zstd(b"end"), TEXT + b"end"),
        (lzma.compress(TEXT), TEXT),
        (bz2.compress(TEXT), TEXT),
        (TEXT, TEXT),
        (b"\x1f\x8b is not gzip without a method", b"\x1f\x8b is not gzip without a method"),
    ],
    ids=["zstd", "frames", "skippable", "xz", "bzip2", "plain", "nearly-gzip"],
)
def test_the_first_bytes_tell_the_format(stored: bytes, content: bytes) -> None:
    assert read(stored) == content
    assert b"".join(decompressed(Dripping(stored), DEFAULT)) == content


def test_a_format_is_named() -> None:
    named = [compression(head) for head in (gzip.compress(b""), zstd(b""), SKIPPABLE, b"ustar")]
    assert [kind.name if kind else "" for kind in named] == ["gzip", "zstd", "zstd", ""]


def test_no_piece_is_larger_than_the_limit_however_much_comes_out() -> None:
    assert max(len(piece) for piece in decompressed(io.BytesIO(zstd(bytes(20 * MIB))), DEFAULT)) <= OUTPUT


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"", "empty"),
        (gzip.compress(TEXT, mtime=0)[:-1], "gzip stream is cut off after"),
        (gzip.compress(TEXT, mtime=0)[:-8] + bytes(8), "gzip stream is damaged"),
        (gzip.compress(TEXT, mtime=0) + b"garbage", "something else follows"),
        (gzip.compress(TEXT, mtime=0)[:10] + NOISE[:1000], "gzip stream is damaged"),
        (zstd(TEXT)[:-3], "zstd stream is cut off"),
        (zstd(TEXT) + b"garbage", "something else follows"),
        (zstd(TEXT)[:20] + NOISE[:100], "zstd stream is damaged"),
        (lzma.compress(TEXT)[:-20] + bytes(20), "xz stream"),
        (bz2.compress(TEXT)[:-20] + bytes(20), "bzip2 stream"),
    ],
)
def test_damage_is_named(stored: bytes, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        read(stored)


def test_a_zstd_window_over_the_limit_is_refused_before_it_is_allocated() -> None:
    window_of_2_gib = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    with pytest.raises(ImageError, match="zstd stream is damaged"):
        read(window_of_2_gib)


def test_more_than_a_layer_may_hold_is_refused() -> None:
    with pytest.raises(ImageError, match="more than 1,000 bytes"):
        list(decompressed(io.BytesIO(gzip.compress(bytes(2_000))), replace(DEFAULT, layer_bytes=1_000)))


def test_a_bomb_is_refused_by_its_ratio_and_small_zeros_are_not() -> None:
    limits = replace(DEFAULT, ratio_from=MIB)
    with pytest.raises(ImageError, match="250 times its size"):
        list(decompressed(io.BytesIO(gzip.compress(bytes(8 * MIB))), limits))
    assert sum(map(len, decompressed(io.BytesIO(gzip.compress(bytes(MIB))), limits))) == MIB
