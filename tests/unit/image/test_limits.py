"""Limits: their names and values as a user types them, and that every one of them limits."""

from __future__ import annotations

from dataclasses import fields

import pytest

from compatbuild.errors import ImageError, UsageError
from compatbuild.image.interests import Interests
from compatbuild.image.limits import DEFAULT, GIB, MIB, NAMES, OverLimitError, pairs
from tests.builders.elf import elf
from tests.builders.images import view
from tests.builders.layers import directory, file, hardlink, layer
from tests.builders.tarbytes import END, extension, member
from tests.hostile.case import raw
from tests.hostile.security_page import PAGE, written
from tests.hostile.tar_numbers import records

OK = member(b"usr/ok", b"x")


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("64MiB", 64 * MIB), ("200 GiB", 200 * GIB), ("1KiB", 1024), ("01", 1)]
)
def test_a_value_is_a_number_perhaps_with_a_unit(text: str, value: int) -> None:
    assert DEFAULT.stated({"layer_bytes": text}).layer_bytes == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "1e9", "many", "64MB", "9" * 19, "9" * 30, "1 024", "٣"])
def test_anything_else_is_no_value(text: str) -> None:
    with pytest.raises(UsageError, match="layer_bytes"):
        DEFAULT.stated({"layer_bytes": text})


@pytest.mark.parametrize("text", ["9", "32", "27MiB"])
def test_a_window_is_what_zstd_takes(text: str) -> None:
    with pytest.raises(UsageError, match="zstd_window_log"):
        DEFAULT.stated({"zstd_window_log": text})


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        DEFAULT.stated({"layer_byte": "1"})
    assert "layer_bytes" in caught.value.remedy


def test_pairs_are_split_at_the_first_sign() -> None:
    assert pairs(("a=1", " b = 2 ")) == {"a": "1", "b": "2"}
    with pytest.raises(UsageError):
        pairs(("a",))


def test_every_limit_says_what_it_counts_and_what_it_does() -> None:
    assert all(one.metadata["what"] and one.metadata["effect"] for one in fields(DEFAULT))
    assert len(NAMES) == len(set(NAMES))


def test_the_page_has_the_limits_as_they_are() -> None:
    """``python -m tests.hostile.security_page`` writes it anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("entries", OK * 3),
        ("directories", member(b"a/b/c/d") + OK),
        ("layer_bytes", OK * 3),
        ("extended_header", extension(b"L", b"x" * 900) + OK),
        ("extensions", extension(b"L", b"x") * 3 + OK),
        ("member_records", records(3) + OK),
        ("records", records(2) + OK + records(2) + OK),
    ],
)
def test_an_error_names_the_limit_that_was_gone_over(name: str, content: bytes) -> None:
    small = {"extended_header": "512", "layer_bytes": "1024"}.get(name, "2")
    limits = DEFAULT.stated({name: small})
    with pytest.raises(ImageError) as caught:
        view(raw(content + END), limits=limits)
    assert f"--limit {name}=VALUE" in caught.value.remedy
    view(raw(content + END))  # which the usual limits let pass


def test_records_are_counted_and_not_their_keys() -> None:
    """A header with one key again and again is as long to read as one with many."""
    with pytest.raises(ImageError, match="cannot be read") as caught:
        view(raw(records(1_001) + OK + END))
    assert "more than 1,000 records" in caught.value.why


def test_layers_are_counted() -> None:
    layers = [layer(directory(f"d{n}")) for n in range(3)]
    with pytest.raises(OverLimitError, match="3 layers"):
        view(*layers, limits=DEFAULT.stated({"layers": "2"}))


def test_names_of_one_elf_file_count_as_files() -> None:
    one = layer(file("a", elf()), *(hardlink(f"b{n}", "a") for n in range(5)))
    found = view(one, interests=Interests(elf=True), limits=DEFAULT.stated({"elf_files": "3"}))
    assert len(found.elves) == 3
    assert "more than 3 ELF files" in found.limits[0]


def test_elf_files_of_all_layers_count_together() -> None:
    layers = [layer(*(file(f"{n}/{m}", elf()) for m in range(2))) for n in range(3)]
    found = view(*layers, interests=Interests(elf=True), limits=DEFAULT.stated({"elf_files": "3"}))
    assert len(found.elves) == 3
    assert any("more than 3 ELF files" in text for text in found.limits)
    again = [layer(file("same", elf(), mode=0o755)) for _ in range(5)]
    assert not view(*again, interests=Interests(elf=True), limits=DEFAULT.stated({"elf_files": "1"})).limits
