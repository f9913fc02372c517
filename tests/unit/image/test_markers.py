"""Texts in ELF files."""

import pytest

from compatbuild.image.elf_stream import BLOCK, LOOK
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.markers import HITS_MAX
from tests.builders.elf import RX, File, R, elf, facts

RELEASE = Marker("tools", b"release ", pattern=rb"release (\d+\.\d+), V([\d.]+)")


def markers(content: bytes, *wanted: Marker, path: str = "/usr/lib/libx.so") -> dict[str, tuple[str, ...]]:
    data = elf(sections={".rodata": content})
    return dict(facts(data, Interests(elf=True, markers=wanted), path=path).markers)


def test_a_needle_alone_is_enough() -> None:
    assert markers(b"a needle in", Marker("n", b"needle")) == {"n": ()}
    assert markers(b"a noodle in", Marker("n", b"needle")) == {}


def test_a_pattern_keeps_its_groups() -> None:
    assert markers(b"tools, release 12.9, V12.9.86\0", RELEASE) == {"tools": ("12.9", "12.9.86")}


def test_the_first_place_where_the_pattern_holds() -> None:
    assert markers(b"release notes; release 12.9, V1; release 13.0, V2", RELEASE) == {"tools": ("12.9", "1")}


def test_a_group_that_took_no_part_is_empty() -> None:
    assert markers(b"needle", Marker("n", b"needle", pattern=rb"needle(-\d)?")) == {"n": ("",)}


def test_of_two_with_one_id_the_first_in_the_file_counts() -> None:
    late, early = Marker("v", b"late=", pattern=rb"=(\d)"), Marker("v", b"early=", pattern=rb"=(\d)")
    for wanted in ((late, early), (early, late)):
        assert markers(b"early=1 late=2", *wanted) == {"v": ("1",)}
        assert markers(b"early=1" + bytes(2 * BLOCK) + b"late=2", *wanted) == {"v": ("1",)}


def test_only_in_files_the_glob_means() -> None:
    marker = Marker("n", b"needle", "/**/libx*.so")
    assert markers(b"needle", marker) == {"n": ()}
    assert markers(b"needle", marker, path="/usr/lib/liby.so") == {}


def test_the_pattern_sees_512_bytes_from_the_needle_on() -> None:
    marker = Marker("n", b"needle", pattern=rb"end")
    assert markers(b"needle" + b"." * (LOOK - 9) + b"end", marker) == {"n": ()}
    assert markers(b"needle" + b"." * (LOOK - 8) + b"end", marker) == {}


def test_the_pattern_does_not_see_what_comes_before() -> None:
    assert markers(b"9 needle", Marker("n", b"needle", pattern=rb"\d needle")) == {}


@pytest.mark.parametrize("shift", [*range(-LOOK - 30, -LOOK + 3, 3), *range(-40, 40, 3)])
def test_across_the_border_of_two_blocks(shift: int) -> None:
    head = len(elf(sections={".rodata": b""}, headers=False))
    content = bytes(BLOCK + LOOK + shift - head) + b"release 12.9, V12.9.86" + bytes(BLOCK)
    assert markers(content, RELEASE) == {"tools": ("12.9", "12.9.86")}


def test_at_the_very_end_of_the_file() -> None:
    data = elf(sections={".rodata": b"x" * 1000 + b"needle"}, headers=False)
    assert facts(data, Interests(markers=(Marker("n", b"needle"),))).markers == {"n": ()}


def test_code_is_not_searched_where_it_has_a_segment_of_its_own() -> None:
    wanted = Interests(markers=(Marker("n", b"needle"),))
    apart = File(64, "<", 62, 3)
    apart.segment(1, R, apart.add(b"data"))
    apart.segment(1, RX, apart.add(b"needle"))
    assert facts(apart.done(), wanted).markers == {}
    together = File(64, "<", 62, 3)
    together.segment(1, RX, together.add(b"needle"))
    assert facts(together.done(), wanted).markers == {"n": ()}


def test_what_is_not_loaded_is_not_searched() -> None:
    file = File(64, "<", 62, 3)
    file.segment(1, R, file.add(b"data"))
    file.add(b"needle", ".comment", flags=0)
    assert facts(file.done(), Interests(markers=(Marker("n", b"needle"),))).markers == {}


def test_needles_that_are_empty_or_too_long() -> None:
    long = bytes(range(1, 256)) * 4
    for before in range(BLOCK - 1500, BLOCK + 600, 300):
        assert markers(bytes(before) + long, Marker("empty", b""), Marker("long", long)) == {"long": ()}


def test_tries_are_bounded() -> None:
    marker = Marker("n", b"needle", pattern=rb"\Aneedle!")
    assert markers(b"needle " * (HITS_MAX - 1) + b"needle!", marker) == {"n": ()}
    assert markers(b"needle " * HITS_MAX + b"needle!", marker) == {}
