"""Ranges: what they say, what contradicts itself, what is no range."""

import pytest

from compatbuild.errors import SpecError
from compatbuild.nfd.ranges import Interval, Range, version_of


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=5.10,<6.8", ["5.10", "5.10.0-8", "6.7.99", "6"], ["5.9.16", "6.8", "6.8.1", "5", "4.99"]),
        (">5.10", ["5.11", "6"], ["5.10", "5.10.5", "5.9"]),
        ("<=6.8", ["6.8", "6.8.12", "6.7"], ["6.9", "7"]),
        ("==5.14", ["5.14", "5.14.0-427.el9", "5.14.21"], ["5.13", "5.15", "5"]),
        ("==550.54.15", ["550.54.15"], ["550.54.14", "550.54.16", "550.54"]),
        ("!=5.14", ["5.13", "5.15", "6"], ["5.14", "5.14.9"]),
        (">=535.104.05", ["535.104.05", "535.104.5", "535.104.12"], ["535.104.4"]),
        (">=0", ["0", "0.0.1", "9"], ["", "x", "v5"]),
        (" >= 5 , < 7 ", ["5", "6.9"], ["7"]),
    ],
)
def test_contains(text: str, inside: list[str], outside: list[str]) -> None:
    range_ = Range.parse(text)
    assert [version for version in inside if not range_.contains(version)] == []
    assert [version for version in outside if range_.contains(version)] == []


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (">= 5.10 , <6.8", ">=5.10,<6.8"), ("<6.8,>=5.10", ">=5.10,<6.8"), (">=5.8,>=5.10", ">=5.10"), (">=5.10,>=5.10.0", ">=5.10.0"),
        (">=5,!=4.9", ">=5"), ("==5.14,>=5", "==5.14"), ("!=5,!=5.1", "!=5"),
    ],
)  # fmt: skip
def test_what_follows_from_the_rest_is_left_out(text: str, short: str) -> None:
    assert str(Range.parse(text)) == short


def test_both_ranges_at_once() -> None:
    both = Range.parse(">=5.10") & Range.parse("<6.8,>=5.4")
    assert both == Range.parse(">=5.10,<6.8")
    assert both.intervals == (Interval((5, 10, 0), (6, 8, 0)),)
    with pytest.raises(SpecError, match=r"No version satisfies >=7,<6\.8"):
        Range.parse(">=7") & Range.parse("<6.8")


@pytest.mark.parametrize("text", [">=6,<5", "<0", ">5,<6,!=5,<=5", "==5.1,==5.2", "!=5.14,==5.14.2", ">5.10,<5.11"])
def test_contradictions(text: str) -> None:
    with pytest.raises(SpecError, match="No version satisfies") as error:
        Range.parse(text)
    assert error.value.exit_code == 12
    assert error.value.remedy


@pytest.mark.parametrize("text", [
    "", ",", "5.10", "=5", "=>5", "~5", ">=a", ">=5.x", ">=5.*", ">=1.2.3.4", ">=v5", ">=5,,<6", ">=5 <6", ">=-5", ">=5.", ">=.5",
    ">=5-rc1", ">=\u0665", ">=" + "9" * 10, ">=" + "1" * 500, ",".join(f"!={n}" for n in range(51)),
])  # fmt: skip
def test_no_ranges(text: str) -> None:
    with pytest.raises(SpecError) as error:
        Range.parse(text)
    assert error.value.why
    assert error.value.remedy


def test_leading_versions() -> None:
    assert version_of("5.14.0-427.13.1.el9_4.x86_64") == (5, 14, 0)
    assert version_of("6.12.38+deb13-amd64") == (6, 12, 38)
    assert version_of("6.6.57.1-8.azl3") == (6, 6, 57)
    assert version_of("6.8-rc1") == (6, 8, 0)
    assert version_of("7") == (7, 0, 0)
    assert version_of("linux-6") is None
    assert version_of("9" * 10_000) is None
