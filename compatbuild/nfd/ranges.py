"""Ranges of versions as an author writes them: comma-separated comparisons, all of which must hold.

``>=5.10,<6.8``. A version has one to three numbers, and a comparison speaks of as many numbers as it names: ``<=6.8``
and ``==6.8`` take 6.8.12 in, ``>6.8`` begins at 6.9, ``!=6.8`` leaves the whole 6.8 series out. So every range is a
union of half-open intervals of version triples, and everything made from it follows from those.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from compatbuild.errors import SpecError

Version: TypeAlias = tuple[int, int, int]

ZERO: Version = (0, 0, 0)
MAX_LENGTH = 200  # characters of a range
MAX_COMPARISONS = 50  # of a range, or of several taken together
MAX_DIGITS = 9  # of a number in a range; the largest in use are those of kernel flavours, with five

_COMPARISON = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+){0,2})\s*", re.ASCII)
_LEADING = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?", re.ASCII)
_ORDER = (">=", ">", "==", "!=", "<=", "<")


@dataclass(frozen=True, slots=True)
class Interval:
    """The versions from ``low`` on and below ``high``; without end when ``high`` is None."""

    low: Version
    high: Version | None

    def __contains__(self, version: Version) -> bool:
        return self.low <= version and (self.high is None or version < self.high)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: an operator and a version of one to three numbers, as it was written."""

    op: str
    version: str

    def __str__(self) -> str:
        return self.op + self.version

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the version."""
        return tuple(map(int, self.version.split(".")))

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The one or two intervals that satisfy the comparison; they may be empty."""
        low = _padded(self.numbers)
        after = _padded((*self.numbers[:-1], self.numbers[-1] + 1))
        return {
            ">=": (Interval(low, None),),
            ">": (Interval(after, None),),
            "<": (Interval(ZERO, low),),
            "<=": (Interval(ZERO, after),),
            "==": (Interval(low, after),),
            "!=": (Interval(ZERO, low), Interval(after, None)),
        }[self.op]


@dataclass(frozen=True, slots=True)
class Range:
    """A satisfiable range. ``comparisons`` hold nothing that follows from the others, lower bounds first.

    ``intervals`` are disjoint, not empty, and in order; two ranges mean the same when these are equal.
    """

    comparisons: tuple[Comparison, ...]
    intervals: tuple[Interval, ...]

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read a range; raises SpecError when it is not one, or when no version can satisfy it."""
        if len(text) > MAX_LENGTH:
            raise SpecError("The range is too long", why=f"it has {len(text):,} characters", remedy=_EXAMPLE)
        return cls.of(_comparison(part, text) for part in text.split(","))

    @classmethod
    def of(cls, comparisons: Iterable[Comparison]) -> "Range":
        """Give the range of some comparisons; raises SpecError when they contradict each other."""
        kept = sorted(set(comparisons), key=lambda each: (_ORDER.index(each.op), each.numbers, each.version))
        if len(kept) > MAX_COMPARISONS:
            raise SpecError(
                "The range has too many comparisons", why=f"it has {len(kept)}", remedy="write a simpler one"
            )
        intervals = _intersection(kept)
        if not intervals:
            text = ",".join(map(str, kept))
            raise SpecError(
                f"No version satisfies {text}", why="its comparisons contradict each other", remedy=_EXAMPLE
            )
        for each in tuple(kept):
            rest = [other for other in kept if other != each]
            if rest and _intersection(rest) == intervals:
                kept = rest
        return cls(tuple(kept), intervals)

    def __str__(self) -> str:
        return ",".join(map(str, self.comparisons))

    def __and__(self, other: "Range") -> "Range":
        """Give the versions in both; raises SpecError when there are none."""
        return Range.of((*self.comparisons, *other.comparisons))

    def contains(self, version: str | Version) -> bool:
        """Tell whether a version is in the range; text counts by its leading numbers and is out when it has none."""
        numbers = version_of(version) if isinstance(version, str) else version
        return numbers is not None and any(numbers in interval for interval in self.intervals)


def version_of(text: str) -> Version | None:
    """Give up to three leading numbers of a version or release (``5.14.0-427.el9``, ``6.12.38+deb13``); else None."""
    match = _LEADING.match(text)
    if match is None or len(match[0]) > MAX_LENGTH:
        return None
    return _padded(tuple(int(part) for part in match.groups() if part is not None))


_EXAMPLE = "write comparisons such as >=5.10,<6.8, with one of >= > == != <= < before one to three numbers"


def _comparison(part: str, text: str) -> Comparison:
    match = _COMPARISON.fullmatch(part)
    if match is None:
        raise SpecError(
            f"{text!r} is not a range of versions", why=f"{part.strip()!r} is no comparison", remedy=_EXAMPLE
        )
    if any(len(number) > MAX_DIGITS for number in match[2].split(".")):
        raise SpecError(f"{text!r} is not a range of versions", why="a number has too many digits", remedy=_EXAMPLE)
    return Comparison(match[1], match[2])


def _padded(numbers: tuple[int, ...]) -> Version:
    major, minor, patch = (*numbers, 0, 0)[:3]
    return major, minor, patch


def _intersection(comparisons: Iterable[Comparison]) -> tuple[Interval, ...]:
    found: list[Interval] = [Interval(ZERO, None)]
    for comparison in comparisons:
        pairs = [(one, other) for one in found for other in comparison.intervals]
        found = [both for one, other in pairs if (both := _overlap(one, other))]
    return tuple(sorted(found, key=lambda interval: interval.low))


def _overlap(one: Interval, other: Interval) -> Interval | None:
    low = max(one.low, other.low)
    ends = [end for end in (one.high, other.high) if end is not None]
    high = min(ends) if ends else None
    return Interval(low, high) if high is None or low < high else None
