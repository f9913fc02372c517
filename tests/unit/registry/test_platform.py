from __future__ import annotations

import pytest

from compatbuild.errors import UsageError
from compatbuild.registry.platform import Platform, parse_platform


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("macos/arm64", "darwin/arm64"),
    ],
)
def test_two_spellings_of_one_platform(one: str, other: str) -> None:
    assert parse_platform(one).matches(parse_platform(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linux/amd64", "linux/arm64"),
        ("linux/amd64/v3", "linux/amd64"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("windows/amd64", "linux/amd64"),
    ],
)
def test_different_platforms(one: str, other: str) -> None:
    assert not parse_platform(one).matches(parse_platform(other))


def test_what_does_not_run() -> None:
    assert not Platform("unknown", "unknown").runs
    assert Platform("linux", "riscv64").runs


@pytest.mark.parametrize("text", ["linux", "", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/\x1b[1m"])
def test_no_platform(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platform(text)
