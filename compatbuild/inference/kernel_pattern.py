"""From the pattern of a kernel range back to the range, where the pattern is one that this tool writes.

The versions that a pattern finds are tried out, and the range they come to is taken only if it gives the very same
pattern again: so a pattern of somebody else's is never misread, only not understood.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

from compatbuild.errors import SpecError
from compatbuild.nfd.comparison import EvaluationError, searches
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Range

MAX_PATTERN = 2_000
"""Characters of a pattern that is looked at; those of ranges have 100."""
MAJORS, MINORS = 12, 40
"""Kernel versions that are tried: the first number of all that exist is below 10, the second below 30."""
PATCHES = 1_000


def kernel_range(pattern: str) -> str | None:
    """Return the range that a pattern was written from; None when it was not, or names numbers beyond those tried."""
    if len(pattern) > MAX_PATTERN:
        return None
    try:
        ends = list(_ends(pattern))
        text = _range(ends)
        return text if text and version_pattern(Range.parse(text)) == pattern else None
    except (EvaluationError, SpecError):
        return None


def _ends(pattern: str) -> Iterator[tuple[int, int, int]]:
    """Yield the versions at which the pattern begins or ceases to find what is there."""

    def found(version: tuple[int, int, int]) -> bool:
        return searches(pattern, ".".join(map(str, version)))

    grid = [(major, minor, 0) for major in range(MAJORS) for minor in range(MINORS)]
    if found(grid[0]):
        yield grid[0]
    for one, other in pairwise(grid):
        before = found(one)
        if before != found((*one[:2], PATCHES)):
            yield _change(found, one, before=before)
            before = not before
        if before != found(other):
            yield other


def _change(
    found: Callable[[tuple[int, int, int]], bool], start: tuple[int, int, int], *, before: bool
) -> tuple[int, int, int]:
    """Return the first patch of a series whose answer differs from that of its first, by halving."""
    low, high = 0, PATCHES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if found((*start[:2], middle)) == before else (low, middle)
    return (*start[:2], high)


def _range(ends: list[tuple[int, int, int]]) -> str | None:
    """Write a range that begins at the first end and, if there is another, stops before it; others are left out."""
    match ends:
        case [low]:
            return f">={_text(low)}"
        case [(0, 0, 0), high]:
            return f"<{_text(high)}"
        case [low, high]:
            return f">={_text(low)},<{_text(high)}"
    return None


def _text(version: tuple[int, int, int]) -> str:
    major, minor, patch = version
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"
