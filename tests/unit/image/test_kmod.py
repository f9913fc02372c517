"""Kernel modules as files: read from ELF facts, and from compressed files whole, cut and damaged."""

import gzip
import lzma
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.image import kmod
from compatbuild.image.interests import Interests
from compatbuild.image.kmod import KernelModule, from_compressed, from_elf, module_name
from tests.builders.elf import ALLOC, facts, relocatable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RELEASE = "6.1.0-56-amd64"
INTERESTS = Interests(elf=True, markers=kmod.MARKERS)


def module(*, in_tree: bool = False, padding: int = 0, vermagic: str = f"{RELEASE} SMP mod_unload ") -> bytes:
    texts = ["license=GPL", "depends=", *(["intree=Y"] if in_tree else []), "name=acme_net", f"vermagic={vermagic}"]
    info = b"".join(text.encode() + b"\0" for text in texts)
    return relocatable([(".text", bytes(padding), ALLOC), (".modinfo", info, ALLOC), (".data", bytes(64), ALLOC)])


@pytest.mark.parametrize("in_tree", [True, False])
@pytest.mark.parametrize("padding", [0, 20 << 20])
def test_a_module_says_its_kernel_wherever_the_section_lies(*, in_tree: bool, padding: int) -> None:
    path = "/drivers/acme-net.ko"
    elf = facts(module(in_tree=in_tree, padding=padding), INTERESTS, path=path)
    assert from_elf(path, elf) == KernelModule("acme_net", RELEASE, in_tree)


def test_only_modules_are_searched() -> None:
    elf = facts(module(), INTERESTS, path="/opt/acme-net.o")
    assert from_elf("/opt/acme-net.o", elf) is None


@pytest.mark.parametrize("vermagic", ["", " SMP ", "6.1", "6.1\n SMP ", "x" * 65 + " SMP ", "6.1;reboot SMP "])
def test_a_release_that_uname_could_not_print_is_none(vermagic: str) -> None:
    elf = facts(module(vermagic=vermagic), INTERESTS, path="/a.ko")
    assert from_elf("/a.ko", elf) is None
    assert from_compressed("/a.ko.gz", gzip.compress(module(vermagic=vermagic))) is None


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zstd.compress])
def test_compressed_modules_are_read(compress: Callable[[bytes], bytes]) -> None:
    content = compress(module(in_tree=True))
    assert from_compressed("/x/acme-net.ko.xz", content) == KernelModule("acme_net", RELEASE, True)
    assert from_compressed("/x/acme.ko.xz", compress(b"nothing of the kind")) is None


def test_a_cut_file_says_what_it_says_until_there() -> None:
    content = gzip.compress(module() + bytes(range(256)) * 4096)
    assert from_compressed("/a.ko.gz", content[:-600]) == KernelModule("a", RELEASE, False)
    assert from_compressed("/a.ko.gz", content[:20]) is None


def test_a_bomb_is_read_only_so_far() -> None:
    content = gzip.compress(bytes(kmod.READ_MAX + (2 << 20)) + module())
    assert from_compressed("/a.ko.gz", content) is None


@given(st.binary(max_size=400))
def test_garbage_is_no_module(content: bytes) -> None:
    assert from_compressed("/a.ko.zst", content) is None


@pytest.mark.parametrize(
    ("path", "name"), [("/x/acme-net.ko", "acme_net"), ("acme_net", "acme_net"), ("/a/b.ko.zst", "b")]
)
def test_names_have_underscores(path: str, name: str) -> None:
    assert module_name(path) == name
