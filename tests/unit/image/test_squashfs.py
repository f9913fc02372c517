"""File systems that mksquashfs wrote, read like the trees they were made of; and what damage does to them."""

import hashlib
import os
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from compatbuild.errors import CompatError, ImageError, SourceError
from compatbuild.image import squashfs as format_
from compatbuild.image.build import build_view
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.squashfs import Inode, Squashfs, superblock
from compatbuild.image.squashfs_layer import SquashfsLayer
from compatbuild.image.view import ImageConfig, ImageView
from compatbuild.sources.directory import TreeLayer
from tests.builders.elf import elf
from tests.builders.sif import COMPRESSORS, squashfs
from tests.unit.image.test_sif import Content

EVERYTHING = Interests((FileInterest("/**", 1 << 20),), elf=True, packages=True)
OPTIONS = {name: ("-comp", name) for name in COMPRESSORS} | {
    "uncompressed": ("-noI", "-noD", "-noF", "-noX"),
    "small blocks": ("-b", "4096"),
    "large blocks": ("-b", "1M"),
    "no fragments": ("-no-fragments",),
    "tail ends": ("-tailends",),
    "no export table": ("-no-exports",),
    "xz with filters": ("-comp", "xz", "-Xbcj", "x86"),
    "zstd at its highest": ("-comp", "zstd", "-Xcompression-level", "22"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with everything: holes, large files, ends, empty files, links, many names, odd names."""
    path = tmp_path_factory.mktemp("tree") / "root"
    noise = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256))
    files = {
        "etc/os-release": b'ID="some"\n',
        "usr/bin/it": elf(needed=["libc.so.6"]),
        "var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36\nArchitecture: amd64\nStatus: install ok installed\n",
        "empty": b"",
        "one": b"1",
        "block": noise * 16,
        "blocks-and-end": noise * 40 + b"end",
        "zeros": bytes(300_000),
        "name with \udcff bytes": b"odd",
        "x" * 255: b"long",
    }
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    with (path / "hole").open("wb") as file:
        file.truncate(3_000_000)
        file.seek(1_000_000)
        file.write(b"middle")
    (path / "many").mkdir()
    for number in range(1500):
        (path / "many" / f"file-{number}").write_bytes(b"%d" % number)
    (path / "deep/er/and/deeper").mkdir(parents=True)
    (path / "bin").symlink_to("usr/bin")
    (path / "long-link").symlink_to("y" * 4000)
    (path / "usr/bin/same").hardlink_to(path / "usr/bin/it")
    (path / "usr/bin/it").chmod(0o4755)
    os.mkfifo(path / "pipe")
    return path


@pytest.fixture(scope="module")
def image(root: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return squashfs(root, tmp_path_factory.mktemp("image") / "image.squashfs", "-comp", "zstd").read_bytes()


def view_of(raw: bytes, limits: Limits = DEFAULT) -> ImageView:
    return build_view(ImageConfig(), [SquashfsLayer("The file system", Content(raw))], EVERYTHING, limits)


def contents(files: Squashfs, directory: Inode, path: str = "") -> Iterator[tuple[str, bytes]]:
    for name, place in files.entries(directory):
        inode, inner = files.inode(place), f"{path}/{os.fsdecode(name)}"
        if inode.kind == format_.FILE:
            yield inner, b"".join(files.content(inode))
        elif inode.kind == format_.DIRECTORY:
            yield from contents(files, inode, inner)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_file_system_is_read_like_the_tree_it_was_made_of(
    options: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    raw = squashfs(root, tmp_path / "image", *options).read_bytes()
    expected = build_view(ImageConfig(), [TreeLayer(root)], EVERYTHING)
    found = view_of(raw)
    assert found == expected
    assert found.elves["/usr/bin/same"].needed == ("libc.so.6",)
    assert [package.name for package in found.packages] == ["libc6"]
    assert (found.layers, found.limits, found.os_release) == (("",), (), {"ID": "some"})
    files = Squashfs(Content(raw))
    walked = dict(contents(files, files.inode(files.root)))
    assert len(walked) > 1500
    assert {path: (root / path[1:]).read_bytes() for path in walked} == walked


def test_devices_are_there_and_sockets_are_not(root: Path, tmp_path: Path) -> None:
    pseudo = ("-p", "null c 666 0 0 1 3", "-p", "disk b 660 0 0 8 0", "-p", "talk i 777 0 0 s")
    nodes = view_of(squashfs(root / "deep", tmp_path / "image", *pseudo).read_bytes()).nodes
    assert (nodes["/null"].kind, nodes["/disk"].kind) == ("other", "other")
    assert "/talk" not in nodes


def test_a_file_is_found_by_its_path(image: bytes) -> None:
    files = Squashfs(Content(image))
    found = files.find("/var/lib/dpkg/status")
    assert found is not None
    assert files.read_file(found, 14) == b"Package: libc6"
    assert files.find("/var/lib/nothing") is None
    assert files.find("/bin/it") is None  # no link is followed
    assert files.find("/etc/os-release/x") is None


def test_few_bytes_are_read_to_list_a_tree(root: Path, tmp_path: Path) -> None:
    raw = squashfs(root, tmp_path / "image", "-noD", "-noF").read_bytes()
    content = Content(raw)
    build_view(ImageConfig(), [SquashfsLayer("it", content)], Interests())
    assert content.asked < len(raw) / 2


def test_progress_counts_what_is_read(image: bytes) -> None:
    told: list[int] = []
    layer = SquashfsLayer("it", Content(image))
    build_view(ImageConfig(), [layer], EVERYTHING, progress=lambda step: told.append(step.count))
    assert sum(told) >= layer.size / 2


def test_a_hole_costs_nothing_and_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (tmp_path / "root/hole").open("wb") as file:
        file.write(b"\x7fELF")
        file.truncate(1 << 26)
    raw = squashfs(tmp_path / "root", tmp_path / "image").read_bytes()
    assert len(raw) < 1 << 18
    with pytest.raises(ImageError, match="cannot be read") as caught:
        view_of(raw, replace(DEFAULT, ratio_from=1 << 20))
    assert "times its size" in caught.value.why
    with pytest.raises(ImageError) as caught:
        view_of(raw, replace(DEFAULT, layer_bytes=1 << 20))
    assert "more than 1,048,576 bytes" in caught.value.why


def test_depth_and_entries_are_bounded(image: bytes) -> None:
    found = view_of(image, replace(DEFAULT, depth=2))
    assert any("deeper" in limit for limit in found.limits)
    with pytest.raises(ImageError) as caught:
        view_of(image, replace(DEFAULT, entries=100))
    assert "100 entries" in caught.value.why


def test_a_package_that_is_missing_is_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = squashfs(root / "deep", tmp_path / "image", "-comp", "lz4")
    monkeypatch.setitem(__import__("sys").modules, "lz4", None)
    with pytest.raises(SourceError, match="needs the package lz4") as caught:
        view_of(path.read_bytes())
    assert caught.value.remedy == "pip install 'compatbuild[sif]'"


def test_lzo_is_read_where_its_package_is_there(root: Path, tmp_path: Path) -> None:
    raw = squashfs(root, tmp_path / "image", "-comp", "lzo").read_bytes()
    try:
        __import__("lzo")
    except ImportError:
        with pytest.raises(SourceError, match="python-lzo"):
            view_of(raw)
    else:
        assert view_of(raw) == build_view(ImageConfig(), [TreeLayer(root)], EVERYTHING)


def test_a_compressor_that_nobody_uses_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        view_of(squashfs(root / "deep", tmp_path / "image", "-comp", "lzma").read_bytes())
    assert "number 2" in caught.value.why


# Offsets in the superblock (squashfs_fs.h): what each field may not be.
SUPERBLOCK = [
    (0, "I", 0, "begins with"),
    (0, "I", 0x68737173, "begins with"),
    (12, "I", 0, "none of squashfs"),
    (12, "I", 3 << 16, "none of squashfs"),
    (12, "I", 1 << 31, "none of squashfs"),
    (20, "H", 0, "number 0"),
    (20, "H", 99, "number 99"),
    (22, "H", 5, "none of squashfs"),
    (28, "H", 3, "squashfs 3.0"),
    (32, "Q", 0xFFFF_FFFF_FFFF, ""),
    (32, "Q", 1, ""),
    (40, "Q", 1 << 40, "are there"),
    (40, "Q", 10, "are there"),
    (64, "Q", 1 << 63, "outside of it"),
    (64, "Q", 0, ""),
    (72, "Q", (1 << 64) - 1, "outside of it"),
    (72, "Q", 0, ""),
    (80, "Q", 1 << 50, "outside of it"),
    (80, "Q", 0, ""),
]


@pytest.mark.parametrize(("at", "form", "value", "why"), SUPERBLOCK)
def test_a_superblock_that_cannot_be_true_is_refused(image: bytes, at: int, form: str, value: int, why: str) -> None:
    raw = bytearray(image)
    struct.pack_into(f"<{form}", raw, at, value)
    with pytest.raises(ImageError) as caught:
        view_of(bytes(raw))
    assert caught.value.exit_code == 1
    assert caught.value.remedy
    assert why in caught.value.why


@pytest.mark.parametrize("share", [0, 0.0001, 0.01, 0.3, 0.6, 0.9, 0.99, "claims less"])
def test_a_file_system_that_is_cut_off_is_refused(image: bytes, share: float | str) -> None:
    used = superblock(Content(image)).used
    if isinstance(share, str):  # it claims to be no longer than it is
        raw = bytearray(image[: used // 2])
        struct.pack_into("<Q", raw, 40, len(raw))
    else:
        raw = bytearray(image[: int(used * share)])
    with pytest.raises(ImageError, match="cannot be read"):
        view_of(bytes(raw))


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_damage_anywhere_is_an_error_or_harmless(compressor: str, root: Path, tmp_path: Path) -> None:
    raw = squashfs(root / "usr", tmp_path / "image", "-comp", compressor).read_bytes()
    used = superblock(Content(raw)).used
    outcomes = set()
    for at in range(0, used, max(1, used // 400)):
        damaged = bytearray(raw)
        damaged[at] ^= 0xFF
        try:
            view_of(bytes(damaged))
            outcomes.add("read")
        except CompatError as error:
            outcomes.add("refused" if error.why and error.remedy else "said badly")
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize("value", [0, 1, 0xFF, 0x7F])
def test_damage_of_tables_that_are_not_compressed_is_an_error_or_harmless(
    value: int, root: Path, tmp_path: Path
) -> None:
    raw = squashfs(root / "usr", tmp_path / "image", "-noI", "-noF", "-noX").read_bytes()
    head = superblock(Content(raw))
    for at in range(head.inodes, head.used):
        damaged = bytearray(raw)
        damaged[at] = value
        with suppress(CompatError):
            view_of(bytes(damaged), replace(DEFAULT, ratio_from=1 << 26))


def test_a_directory_that_holds_itself_is_refused(tmp_path: Path) -> None:
    """Both inodes are in one table that is not compressed: the inner one's entry is led to the root's inode."""
    (tmp_path / "root/inner").mkdir(parents=True)
    raw = bytearray(squashfs(tmp_path / "root", tmp_path / "image", "-noI").read_bytes())
    head = superblock(Content(bytes(raw)))
    assert head.root >> 16 == 0
    entry = raw.index(b"inner", head.directories) - 8
    struct.pack_into("<H", raw, entry, head.root & 0xFFFF)
    with pytest.raises(ImageError) as caught:
        view_of(bytes(raw))
    assert "in two places" in caught.value.why


@pytest.mark.parametrize("name", [b"in/er", b"in\0er", b".", b".."])
def test_a_name_that_is_none_is_refused(name: bytes, tmp_path: Path) -> None:
    (tmp_path / "root" / ("n" * len(name))).mkdir(parents=True)
    raw = squashfs(tmp_path / "root", tmp_path / "image", "-noI").read_bytes()
    with pytest.raises(ImageError) as caught:
        view_of(raw.replace(b"n" * len(name), name))
    assert "which is none" in caught.value.why


def test_memory_stays_flat(tmp_path: Path) -> None:
    """A file of 64 MiB is read with a few blocks kept."""
    (tmp_path / "root").mkdir()
    noise = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(1 << 14))
    with (tmp_path / "root/large").open("wb") as file:
        for _ in range(128):
            file.write(noise)
    raw = squashfs(tmp_path / "root", tmp_path / "image", "-noD").read_bytes()
    files = Squashfs(Content(raw))
    found = files.find("/large")
    assert found is not None
    tracemalloc.start()
    assert sum(map(len, files.content(found))) == 64 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
