"""Patterns of kernel releases are right on the releases of all distributions, and never an error in NFD."""

import json
from typing import Any

import pytest

from compatbuild.nfd.comparison import searches
from compatbuild.nfd.encodings import kernel_range
from compatbuild.nfd.features import Features
from compatbuild.nfd.patterns import number_pattern, version_pattern
from compatbuild.nfd.ranges import Range
from tests.builders.needs import RELEASES
from tests.builders.verdicts import nfd_verdicts

RANGES = (
    ">=4.18", ">=5.10", ">=5.14", ">=5.14.21", ">=5.15.153", ">=6", ">=6.1", ">=6.1.102", ">=6.6.57", ">=6.8", ">=6.12.38", ">=7",
    ">=10.2", "<5.10", "<6.1", "<6.8", "<6.12.38", ">=5.10,<6.8", ">=6.1,<6.6.57", ">5.15", "<=6.1", "==5.14", "==6.1.75", "!=6.8",
    "!=5.15.0", ">=5.4,!=5.15,!=6.1,<7", "<0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("text", RANGES)
def test_releases_of_all_distributions(text: str) -> None:
    range_ = Range.parse(text)
    pattern = version_pattern(range_)
    assert [release for release in RELEASES if searches(pattern, release) != range_.contains(release)] == []


@pytest.mark.peer
def test_releases_of_all_distributions_in_nfd() -> None:
    cases: list[tuple[bytes, dict[str, Any]]] = []
    expected = []
    for text in RANGES:
        (check,) = kernel_range(Range.parse(text)).checks
        term = {"feature": "kernel.version", "matchExpressions": {check.name: {"op": check.op, "value": check.value}}}
        spec = {"compatibilities": [{"rules": [{"name": "r", "matchFeatures": [term]}]}]}
        for release in RELEASES:
            features = Features(attributes={"kernel.version": {"full": release}})
            cases.append((json.dumps(spec).encode(), features.document()))
            expected.append(["", [[Range.parse(text).contains(release)]]])
    assert [[answer["stage"], answer["sets"]] for answer in nfd_verdicts(cases)] == expected


def test_a_pattern_one_can_read() -> None:
    assert version_pattern(Range.parse(">=5.10")) == (
        r"^(5\.([1-9][0-9]|[1-9][0-9]{2,})([^0-9]|$)|([6-9]|[1-9][0-9]+)([^0-9]|$))"
    )


@pytest.mark.parametrize(
    ("low", "high", "pattern"),
    [
        (0, 0, "0"),
        (7, 9, "[7-9]"),
        (10, 99, "[1-9][0-9]"),
        (5, 12, "([5-9]|1[0-2])"),
        (100, None, "([1-9][0-9]{2}|[1-9][0-9]{3,})"),
    ],
)
def test_numbers(low: int, high: int | None, pattern: str) -> None:
    assert number_pattern(low, high) == pattern
