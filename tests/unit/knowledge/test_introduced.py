"""Since when Linux has an option, as far as anybody knows."""

import pytest

from compatbuild.knowledge import load
from compatbuild.knowledge.kernel import Introduced

SINCE = Introduced(since="5.13")
BRACKET = Introduced(absent="6.1", present="6.12")
GONE = Introduced(absent="6.1", present="6.12", gone="7.2")


@pytest.mark.parametrize(
    ("row", "version", "there"),
    [
        (SINCE, "5.12.19", False),
        (SINCE, "5.13", True),
        (SINCE, "6.1.0", True),
        (BRACKET, "5.10.223", False),
        (BRACKET, "6.1.176", False),
        (BRACKET, "6.5", None),
        (BRACKET, "6.11.9", None),
        (BRACKET, "6.12.1", True),
        (BRACKET, "7.2", True),
        (GONE, "6.1", False),
        (GONE, "6.8", None),
        (GONE, "6.12.107", True),
        (GONE, "6.18", None),
        (GONE, "7.2", False),
    ],
)
def test_between_the_ends_of_a_bracket_nobody_knows(row: Introduced, version: str, there: bool | None) -> None:  # noqa: FBT001 - a column of the table
    assert row.there(version) is there


def test_every_row_is_a_date_or_a_bracket() -> None:
    for option, row in load().kernel.introduced.items():
        known = row.value
        assert bool(known.since) is not bool(known.absent and known.present), option
        assert known.told
        if known.since:
            assert (known.there(known.since), known.there("2.6")) == (True, False)
        else:
            assert (known.there(known.absent), known.there(known.present)) == (False, True)
