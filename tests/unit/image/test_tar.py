"""Tar headers by hand: numbers, extensions, sparse files, and where other readers differ."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from compatbuild.errors import ImageError
from compatbuild.image import tar
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.tar import BLOCK, Member, TarReader
from tests.builders.layers import file, symlink
from tests.builders.layers import tar as archive_of
from tests.builders.tarbytes import END, extension, header, padded, pax


def reader(data: bytes, size: int = 999, limits: Limits = DEFAULT) -> TarReader:
    pieces: Iterator[bytes] = (data[at : at + size] for at in range(0, len(data), size))
    return TarReader(pieces, limits)


def members(data: bytes, size: int = 999) -> list[Member]:
    return list(reader(data, size))


def test_a_v7_header_without_magic_is_read() -> None:
    assert members(header(b"old", magic=bytes(8), flag=b"\0") + END)[0].name == b"old"


def test_a_v7_directory_is_told_by_its_slash() -> None:
    assert members(header(b"old/", magic=bytes(8), flag=b"\0") + END)[0].flag == tar.DIRECTORY


def test_a_ustar_prefix_comes_before_the_name_and_a_gnu_header_has_none() -> None:
    assert members(header(b"name", prefix=b"some/where") + END)[0].name == b"some/where/name"
    assert members(header(b"name", prefix=b"12345670123", magic=b"ustar  \0") + END)[0].name == b"name"


@pytest.mark.parametrize(
    "size",
    [b"00000000005\0", b"5           ", b"          5\0", b"000000000005", b"\x80" + bytes(10) + b"\x05"],
    ids=["usual", "blanks-after", "blanks-before", "no-end", "base-256"],
)
def test_every_spelling_of_a_size_is_read(size: bytes) -> None:
    found = reader(header(size=size) + padded(b"12345") + header(b"next") + END)
    assert [(m.name, m.size, found.read(10)) for m in found] == [(b"file", 5, b"12345"), (b"next", 0, b"")]


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (b"0000000zzzz\0", "octal"),
        (b"00000000008\0", "octal"),
        (b"0000000_005\0", "octal"),
        (b"-0000000005\0", "octal"),
        (b"\xff" * 12, "negative"),
        (b"\x80" + b"\x40" + bytes(10), "cut off"),
    ],
)
def test_a_size_that_is_none_is_refused(size: bytes, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        members(header(size=size) + padded(b"12345") + END)


def test_a_wrong_checksum_is_not_a_tar_at_the_beginning_and_damage_later() -> None:
    bad = header(checksum=b"000001\0 ")
    with pytest.raises(ImageError, match="not a tar archive"):
        members(bad + END)
    with pytest.raises(ImageError, match="header at 512: wrong checksum"):
        members(header() + bad + END)


def test_a_checksum_of_signed_bytes_is_taken() -> None:
    block = bytearray(header("é".encode()))
    block[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    assert members(header("é".encode(), checksum=b"%06o\0 " % signed) + END)[0].name == "é".encode()


@pytest.mark.parametrize("flag", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_links_directories_and_devices_have_no_data_whatever_their_size_says(flag: bytes) -> None:
    data = header(b"it", b"00000001000\0", flag, link=b"target") + header(b"next") + END
    assert [(m.name, m.size) for m in members(data)] == [(b"it", 0), (b"next", 0)]


def test_an_unknown_type_has_as_much_data_as_its_size_says() -> None:
    data = header(b"it", b"00000000005\0", b"Q") + padded(b"12345") + header(b"next") + END
    assert [m.name for m in members(data)] == [b"it", b"next"]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_targets_are_whole(form: int) -> None:
    long = "/".join(["directory"] * 60)
    found = members(archive_of([symlink(long, f"../{long}")], form))[0]
    assert (found.name.decode(), found.link.decode()) == (long, f"../{long}")


def test_pax_overrides_path_link_and_size_of_one_member_only() -> None:
    data = pax(path="other", size="3") + header(b"file") + padded(b"abc") + header(b"next") + END
    found = reader(data)
    assert [(m.name, m.size, found.read(9)) for m in found] == [(b"other", 3, b"abc"), (b"next", 0, b"")]


def test_a_global_pax_header_changes_nothing() -> None:
    assert members(extension(b"g", b"13 path=evil\n") + header() + END)[0].name == b"file"


@pytest.mark.parametrize(
    "content",
    [
        b"5 a=b\n",
        b"99 a=b\n",
        b"x a=b\n",
        b"6 a=b\n7",
        b"5 ab\n",
        b"0 a=b\n",
        b"9 path=\0\n",
        b"10 size=x\n",
        b"-6 a=b\n",
    ],
)
def test_malformed_pax_is_refused(content: bytes) -> None:
    with pytest.raises(ImageError, match="PAX header"):
        members(extension(b"x", content) + header() + END)


def test_a_pax_header_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(ImageError, match="67,108,864 bytes is over the limit"):
        members(header(size=b"%011o\0" % (64 << 20), flag=b"x") + END)


def test_extensions_without_end_are_refused() -> None:
    with pytest.raises(ImageError, match="more than 8 extension headers"):
        members(pax(path="a") * 9 + header() + END)


def test_records_without_end_are_refused() -> None:
    with pytest.raises(ImageError, match="more than 1,000 records"):
        members(extension(b"x", b"".join(b"9 %03x=ab\n" % number for number in range(2000))) + header() + END)


def test_records_are_counted_over_all_members() -> None:
    data = (pax(path="a", linkpath="b") + header()) * 3 + END
    assert len(list(reader(data, limits=replace(DEFAULT, records=6)))) == 3
    with pytest.raises(ImageError, match="more than 5 records"):
        list(reader(data, limits=replace(DEFAULT, records=5)))


@pytest.mark.parametrize("blocks", [0, 3])
def test_an_old_gnu_sparse_file_has_the_size_it_unpacks_to(blocks: int) -> None:
    real = b"00040000000\0"
    first = header(b"big", b"00000000005\0", b"S", tail=bytes(96) + bytes([blocks > 0]) + real)
    maps = b"".join(bytes(504) + bytes([number < blocks]) + bytes(7) for number in range(1, blocks + 1))
    found = members(first + maps + padded(b"12345") + header(b"next") + END)
    assert [(m.name, m.size, m.stored, m.sparse) for m in found] == [
        (b"big", 0o40000000, 5, True),
        (b"next", 0, 0, False),
    ]


def test_a_sparse_map_without_end_is_refused() -> None:
    first = header(b"big", b"00000000005\0", b"S", tail=bytes(96) + b"\x01" + b"00040000000\0")
    with pytest.raises(ImageError, match="map does not end"):
        members(first + (bytes(504) + b"\x01" + bytes(7)) * 3000)


def test_a_pax_sparse_file_has_its_real_name_and_size() -> None:
    records = {"GNU__sparse__major": "1", "GNU__sparse__name": "real", "GNU__sparse__realsize": "4096"}
    found = members(pax(**records) + header(b"GNUSparseFile.0/real", b"00000000005\0") + padded(b"12345") + END)[0]
    assert (found.name, found.size, found.stored, found.sparse) == (b"real", 4096, 5, True)


@pytest.mark.parametrize("end", [b"", bytes(BLOCK), END, END + b"garbage" * 1000], ids=["none", "one", "two", "more"])
def test_an_archive_ends_with_zero_blocks_or_with_the_stream(end: bytes) -> None:
    assert len(members(header() + end)) == 1


def test_members_after_a_zero_block_are_refused_as_go_refuses_them() -> None:
    with pytest.raises(ImageError, match="goes on after the zero block"):
        members(header() + bytes(BLOCK) + header(b"hidden") + END)


@pytest.mark.parametrize("cut", [100, BLOCK + 100, 2 * BLOCK, 3 * BLOCK + 7])
def test_a_cut_is_named(cut: int) -> None:
    data = header(size=b"00000002000\0") + padded(bytes(0o2000)) + header(b"next") + END
    with pytest.raises(ImageError, match="cut off within"):
        members(data[:cut])


def test_payloads_are_skipped_by_seeking_where_that_is_possible() -> None:
    data = archive_of([file("a", b"a" * 100_000), file("b", b"b" * 10)])
    source, read = io.BytesIO(data), []

    def pieces() -> Iterator[bytes]:
        while piece := source.read(BLOCK):
            read.append(len(piece))
            yield piece

    found = TarReader(pieces(), DEFAULT, lambda count: source.seek(count, 1))
    assert [(m.name, data[found.offset : found.offset + 1]) for m in found] == [(b"a", b"a"), (b"b", b"b")]
    assert sum(read) < 10 * BLOCK


def test_a_payload_may_be_looked_at_without_being_read() -> None:
    found = reader(archive_of([file("a", b"\x7fELF and more"), file("b", b"\x7fE")]), size=3)
    seen = [(m.name, found.starts_with(b"\x7fELF"), found.read(4), found.read(100)) for m in found]
    assert seen == [(b"a", True, b"\x7fELF", b" and more"), (b"b", False, b"\x7fE", b"")]


def test_the_number_of_extensions_is_counted_for_each_member() -> None:
    data = b"".join(pax(path=str(number)) + header() for number in range(5))
    assert len(list(reader(data + END, limits=replace(DEFAULT, extensions=1)))) == 5
