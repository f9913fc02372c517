"""Rows of reviewed fact: each carries how well it is known, from where, and when that was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, TypeVar

from compatbuild.model.finding import Confidence

K = TypeVar("K")
V = TypeVar("V", covariant=True)  # noqa: PLC0105 - a row reads well as Row[V]


class Grade(StrEnum):
    """How a row came to be known, best first."""

    RUN = "run"  # seen by running, or by reading binaries
    READ = "read"  # read in the source that is named
    SECONDARY = "secondary"  # read only in transcriptions by others, two or more of them independent
    BELIEVED = "believed"  # general knowledge, not settled

    @property
    def ceiling(self) -> Confidence:
        """Return the strongest confidence that a conclusion resting on such a row may have."""
        return _CEILINGS[self]


_CEILINGS = {
    Grade.RUN: Confidence.PROVEN,
    Grade.READ: Confidence.PROVEN,
    Grade.SECONDARY: Confidence.LIKELY,
    Grade.BELIEVED: Confidence.HINT,
}
_STRONGEST_FIRST = (Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT)


@dataclass(frozen=True, slots=True)
class Row(Generic[V]):
    """One fact: its value, its grade, the title or ``repository:path@commit`` it comes from, and the day of reading."""

    value: V
    grade: Grade
    source: str
    retrieved: date


Table = Mapping[K, Row[V]]
"""Rows by their key."""


def capped(found: Confidence, *rows: Row[Any]) -> Confidence:
    """Return ``found``, weakened to what the worst of the rows allows that the conclusion rests on."""
    return max((found, *(row.grade.ceiling for row in rows)), key=_STRONGEST_FIRST.index)
