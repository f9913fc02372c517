"""HIP offload bundles inside ELF files."""

import io
import re
import sys
import zipfile
from struct import Struct

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_stream import BLOCK
from compatbuild.image.hipfat import BUNDLES_MAX, ENTRIES_MAX, ID_MAX, PLAIN_MAX, TARGETS_MAX
from compatbuild.image.interests import Interests
from tests.builders.elf import File, R, facts, read
from tests.builders.hipfat import HOST, PAGE, ZLIB, ZSTD, bundle, compressed, padded, section
from tests.builders.wheels import wheel

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JAX = ("gfx900", "gfx906", "gfx908", "gfx90a", "gfx940", "gfx941", "gfx942", "gfx1030", "gfx1100", "gfx1200", "gfx1201")
"""The targets of jax-rocm60-plugin 0.5.0."""


def library(*bundles: bytes, before: int = 1) -> bytes:
    """Return an ELF file that holds bundles from a page on, the second unless told otherwise."""
    file = File(64, "<", 62, 3)
    file.add(bytes(before * PAGE - file.end))
    file.add(section(*bundles), ".hip_fatbin")
    file.segment(1, R, (0, file.end), PAGE)
    return file.done()


def found(*bundles: bytes) -> ElfFacts:
    return facts(library(*bundles))


def test_the_targets_of_a_plain_bundle_in_the_order_of_their_numbers() -> None:
    read_ = found(bundle(*sorted(JAX)))
    assert (read_.hip, read_.damaged) == (JAX, "")


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("method", [ZLIB, ZSTD])
def test_the_targets_of_a_compressed_bundle(version: int, method: int) -> None:
    read_ = found(compressed(bundle(*JAX), version=version, method=method))
    assert (read_.hip, read_.damaged) == (JAX, "")


def test_features_generic_targets_and_spir_v() -> None:
    ids = ("gfx90a:sramecc+:xnack-", "gfx9-4-generic", "gfx11-generic", "gfx942:xnack+")
    spirv = "hip-spirv64-amd-amdhsa--amdgcnspirv"
    older, newer = "hip-amdgcn-amd-amdhsa--gfx803", "hipv4-amdgcn-amd-amdhsa-unknown-gfx950"
    assert set(found(bundle(*ids, spirv, older, newer)).hip) == {*ids, "amdgcnspirv", "gfx803", "gfx950"}


@pytest.mark.parametrize(
    "identity",
    ["openmp-amdgcn-amd-amdhsa--gfx906", "hipv4-amdgcn-amd-amdhsa--sm_90", "hipv4-amdgcn-amd-amdhsa--gfx90a\n", HOST],
)
def test_other_ids_are_not_hip_code(identity: str) -> None:
    assert found(bundle(identity, "gfx90a")).hip == ("gfx90a",)


def test_every_translation_unit_has_a_bundle_of_its_own() -> None:
    units = (bundle("gfx90a"), compressed(bundle("gfx942"), version=2), compressed(bundle("gfx1100")), bundle("gfx906"))
    assert found(*units).hip == ("gfx906", "gfx90a", "gfx942", "gfx1100")


def test_headers_that_fill_more_than_a_page() -> None:
    targets = tuple(f"gfx{number}:sramecc+:xnack-" for number in range(1000, 1200))
    assert found(bundle(*targets), bundle("gfx90a")).hip == ("gfx90a", *targets)


def test_only_if_somebody_asks() -> None:
    assert facts(library(bundle("gfx90a")), Interests(elf=True)).hip == ()


def test_bundles_begin_at_pages() -> None:
    file = File(64, "<", 62, 3)
    file.add(bytes(PAGE + 64 - file.end))
    file.segment(1, R, file.add(bundle("gfx90a"), ".hip_fatbin"), PAGE)
    assert facts(file.done()).hip == ()


@pytest.mark.parametrize("before", range(BLOCK // PAGE - 2, BLOCK // PAGE + 2))
def test_bundles_across_the_border_of_two_blocks(before: int) -> None:
    units = compressed(bundle(*JAX, code=bytes(range(256)) * 300)), bundle("gfx803")
    assert facts(library(*units, before=before)).hip == ("gfx803", *JAX)


@pytest.mark.parametrize("size", [1, 7, 511, 4096, 100_000])
def test_files_that_come_in_pieces(size: int) -> None:
    data = library(bundle("gfx90a"), compressed(bundle(*JAX)))
    read_ = read(data, pieces=[size] * (len(data) // size))
    assert read_ is not None
    assert read_.hip == JAX


def test_a_large_bundle_is_read_from_its_beginning_alone() -> None:
    """Random code does not compress: the stream is longer than what is looked at, and zstd stores it in blocks."""
    code = bytes((value * value * 31 + value) % 251 for value in range(3 * BLOCK))
    for method in (ZLIB, ZSTD):
        read_ = found(compressed(bundle(*JAX, code=code), method=method), bundle("gfx803"))
        assert (read_.hip, read_.damaged) == (("gfx803", *JAX), "")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = compressed(bundle("gfx90a", code=bytes(1 << 28)), level=1)
    assert len(bomb) < 1 << 16
    assert found(bomb, bundle("gfx803")).hip == ("gfx803", "gfx90a")


@pytest.mark.parametrize("version", [0, 4, 65_535])
def test_an_unknown_version_is_told_and_does_not_hide_the_next(version: int) -> None:
    unknown = b"CCOB" + Struct("<HHQQQ").pack(version, ZSTD, 64, 64, 0) + bytes(64)
    read_ = found(unknown, bundle("gfx90a"))
    assert (read_.hip, read_.damaged) == (("gfx90a",), f"offload bundle of an unknown kind ({version}, 1)")


@pytest.mark.parametrize("total", [0, 31])
def test_a_size_too_small_is_told_and_does_not_hide_the_next(total: int) -> None:
    read_ = found(compressed(bundle("gfx942"), total=total), bundle("gfx90a"))
    assert (read_.hip, read_.damaged) == (("gfx90a",), "broken offload bundle")


def test_a_size_too_large_costs_what_follows() -> None:
    read_ = found(compressed(bundle("gfx942"), total=1 << 63), bundle("gfx90a"))
    assert (read_.hip, read_.damaged) == (("gfx942",), "")


@pytest.mark.parametrize("method", [ZLIB, ZSTD])
def test_a_stream_that_does_not_decompress(method: int) -> None:
    broken = bytearray(compressed(bundle("gfx942"), method=method))
    broken[32:48] = b"\xff" * 16
    read_ = found(bytes(broken), bundle("gfx90a"))
    assert (read_.hip, read_.damaged) == (("gfx90a",), "broken offload bundle")


@pytest.mark.parametrize("text", [b"", b"__CLANG_OFFLOAD_BUNDLE_", b"no bundle at all"])
def test_a_stream_of_something_else(text: bytes) -> None:
    assert found(compressed(text), bundle("gfx90a")).hip == ("gfx90a",)


@pytest.mark.parametrize("length", [0, ID_MAX + 1, 1 << 63])
def test_an_id_of_an_impossible_length(length: int) -> None:
    broken = b"__CLANG_OFFLOAD_BUNDLE__" + Struct("<QQQQ").pack(3, 4096, 10, length) + bytes(200)
    for unit in (padded(broken), compressed(broken)):
        read_ = found(unit, bundle("gfx90a"))
        assert (read_.hip, read_.damaged) == (("gfx90a",), "broken offload bundle")


def test_more_entries_than_there_are() -> None:
    lying = bytearray(bundle("gfx90a"))
    lying[24:32] = Struct("<Q").pack(1 << 60)
    assert found(bytes(lying), bundle("gfx942")).hip == ("gfx90a", "gfx942")


def test_entries_are_bounded() -> None:
    targets = tuple(f"gfx{number}" for number in range(1000, 1000 + ENTRIES_MAX + 9))
    assert found(bundle(*targets, host=False)).hip == targets[:ENTRIES_MAX]


def test_targets_are_bounded() -> None:
    units = [bundle(*(f"gfx{number}" for number in range(at, at + 250))) for at in range(1000, 3000, 250)]
    assert len(found(*units).hip) == TARGETS_MAX


def test_bundles_are_bounded() -> None:
    read_ = found(*[bundle(HOST, host=False)[:PAGE]] * BUNDLES_MAX, bundle("gfx90a"))
    assert (read_.hip, read_.damaged) == ((), f"more than {BUNDLES_MAX} offload bundles")


def test_a_file_that_ends_in_a_bundle() -> None:
    data = library(bundle(*JAX))
    read_ = read(data[: PAGE + 300])
    assert read_ is not None
    assert 0 < len(read_.hip) < len(JAX)


def test_what_is_decompressed_holds_the_headers_of_every_target() -> None:
    """All features of all processors of LLVM would fit."""
    assert len(bundle(*(f"gfx{number}:sramecc+:xnack+" for number in range(1000, 1256)))) < PLAIN_MAX + 256 * PAGE
    assert ENTRIES_MAX * (24 + 64) < PLAIN_MAX


def unpacked(content: bytes) -> bytes:
    """Return a section with its compressed bundles decompressed as a whole."""
    streams = [content]
    for found in re.finditer(b"CCOB", content):
        (version,) = Struct("<H").unpack_from(content, found.start() + 4)
        start = found.start() + {2: 24, 3: 32}[version]
        streams.append(zstd.ZstdDecompressor().decompress(content[start:]))
    return b"".join(streams)


@pytest.mark.download
@pytest.mark.parametrize(("name", "libraries"), [("jax-rocm60-plugin", 4), ("jax-rocm7-plugin", 3)])
def test_the_targets_of_real_libraries_are_those_in_the_unpacked_bundles(name: str, libraries: int) -> None:
    """What pyelftools finds in the section, unpacked to its end, holds the same ids."""
    compared = 0
    with zipfile.ZipFile(wheel(name)) as archive:
        for member in archive.namelist():
            if not member.endswith(".so"):
                continue
            data = archive.read(member)
            section = ELFFile(io.BytesIO(data)).get_section_by_name(".hip_fatbin")
            content = unpacked(section.data()) if section else b""
            ids = re.findall(rb"hipv?4?-amdgcn-amd-amdhsa--(gfx[0-9a-z:+-]+)", content)
            assert set(facts(data).hip) == {found.decode() for found in ids}
            compared += bool(ids)
    assert compared == libraries


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=12),
    st.sampled_from([bundle("gfx90a", "gfx942"), *(compressed(bundle("gfx90a"), version=v) for v in (1, 2, 3))]),
)
def test_damage_never_raises(changes: list[tuple[int, int]], unit: bytes) -> None:
    content = bytearray(section(unit, bundle("gfx1100")))
    for place, value in changes:
        content[place % len(content)] = value
    assert isinstance(facts(library(bytes(content))).hip, tuple)
