"""The language of NVIDIA_REQUIRE_* variables, and what it says in driver versions.

Grammar and meaning: NVIDIA/nvidia-container-toolkit, internal/requirements and internal/config/image. A variable is a
list of alternatives separated by spaces; an alternative is a list of comparisons separated by commas, all of which must
hold; several variables must all hold.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compatbuild.errors import SpecError
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import Row, capped
from compatbuild.model.finding import Confidence

REQUIRE_CUDA = "NVIDIA_REQUIRE_CUDA"
SWITCH = "NVIDIA_DISABLE_REQUIRE"
MAX_LENGTH = 8_192
"""Characters of a variable that are read; NVIDIA's own are below 2,000."""

MAX_ALTERNATIVES = 64

_COMPARISON = re.compile(r"(?P<property>[A-Za-z_]+)(?P<op>!=|<=|>=|=|<|>)(?P<value>[A-Za-z0-9._-]+)")
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,2}")


def requirements_disabled(env: Mapping[str, str]) -> bool:
    """Say whether the image switches its own requirements off."""
    return env.get(SWITCH, "").lower() in ("1", "t", "true")


@dataclass(frozen=True, slots=True)
class Range:
    """One alternative in our words: ranges of the driver version and of the compute capability, empty for any."""

    driver: str = ""
    compute: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable's meaning: its alternatives, how sure their translation is, and what could not be translated."""

    alternatives: tuple[Range, ...]
    confidence: Confidence
    ignored: tuple[str, ...]


def declared(text: str, cuda: Cuda) -> Declaration:
    """Translate a variable's value.

    A property that has no counterpart here (``brand``, a CUDA version newer than is known) is left out, which can leave
    an alternative without any range; an alternative of unknown properties alone does not count, as in the toolkit.
    Raises SpecError for text that the toolkit would refuse too, or that is too long.
    """
    if len(text) > MAX_LENGTH or len(text.split()) > MAX_ALTERNATIVES:
        raise SpecError(
            "the requirement is too long", why=f"more than {MAX_LENGTH} characters or {MAX_ALTERNATIVES} terms"
        )
    alternatives: dict[Range, None] = {}
    rows: list[Row[int]] = []
    ignored: dict[str, None] = {}
    for term in text.split():
        comparisons = [comparison for comparison in map(_parsed, term.split(",")) if comparison]
        if comparisons:
            alternatives |= dict.fromkeys(_ranges(comparisons, cuda, rows, ignored))
    return Declaration(tuple(alternatives), capped(Confidence.PROVEN, *rows), tuple(ignored))


def at_least(version: str, cuda: Cuda) -> Row[int] | None:
    """Return the first driver branch that reports this CUDA version or a newer one; None if none is known."""
    return next((row for known, row in _branches(cuda) if known >= _key(version)), None)


@dataclass(frozen=True, slots=True)
class _Comparison:
    property: str
    op: str
    value: str


def _parsed(text: str) -> _Comparison | None:
    """Return a comparison; None for an empty one or a property nobody knows."""
    if not text:
        return None
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise SpecError(f"{text[:60]!r} is not a comparison")
    comparison = _Comparison(match["property"], match["op"], match["value"])
    if comparison.property not in ("cuda", "driver", "arch", "brand"):
        return None
    if comparison.property != "brand" and not _VERSION.fullmatch(comparison.value):
        raise SpecError(f"{comparison.value[:60]!r} is not a version")
    return comparison


def _ranges(
    comparisons: list[_Comparison], cuda: Cuda, rows: list[Row[int]], ignored: dict[str, None]
) -> Iterator[Range]:
    """Yield what one alternative comes to; ``!=`` splits it in two."""
    drivers, computes = [""], [""]
    for one in comparisons:
        match one.property:
            case "driver":
                drivers = _both(drivers, _compared(one.op, one.value))
            case "arch":
                computes = _both(computes, _compared(one.op, one.value))
            case "cuda":
                found = _driver_ranges(one, cuda, rows)
                drivers = _both(drivers, found or [""])
                if not found:
                    ignored[f"{one.property}{one.op}{one.value}"] = None
            case _:
                ignored[one.property] = None
    yield from (Range(driver, compute) for driver in drivers for compute in computes)


def _compared(op: str, version: str) -> list[str]:
    """Return the ranges that a comparison with one version allows."""
    if op == "!=":
        return [f"<{version}", f">{version}"]
    return [f">={version},<={version}"] if op == "=" else [f"{op}{version}"]


def _driver_ranges(one: _Comparison, cuda: Cuda, rows: list[Row[int]]) -> list[str]:
    """Return the driver ranges that report a CUDA version as compared; empty when the version is newer than known.

    The branches that report exactly that version are those from ``first`` on, below ``after``.
    """
    first = at_least(one.value, cuda)
    after = next((row for known, row in _branches(cuda) if known > _key(one.value)), None)
    if (first is None and one.op not in (">", "<=")) or (after is None and one.op not in (">=", "<")):
        return []
    rows += [row for row in (first, after) if row]
    low, high = first.value if first else 0, after.value if after else 0
    ranges = {
        ">=": [f">={low}"],
        "<": [f"<{low}"],
        ">": [f">={high}"],
        "<=": [f"<{high}"],
        "=": [f">={low},<{high}"],
        "!=": [f"<{low}", f">={high}"],
    }
    return ranges[one.op]


def _branches(cuda: Cuda) -> list[tuple[tuple[int, ...], Row[int]]]:
    return sorted(((_key(known), row) for known, row in cuda.branches.items()), key=lambda pair: pair[0])


def _key(version: str) -> tuple[int, ...]:
    """Return a version as three numbers, as semantic versions compare."""
    numbers = [int(number) for number in version.split(".")]
    return tuple([*numbers, 0, 0, 0][:3])


def _both(ranges: list[str], more: list[str]) -> list[str]:
    """Return every range of the one kind together with every range of the other, at most MAX_ALTERNATIVES of them."""
    joined = [
        ",".join(dict.fromkeys(part for part in (*a.split(","), *b.split(",")) if part)) for a in ranges for b in more
    ]
    if len(joined) > MAX_ALTERNATIVES:
        raise SpecError("the requirement has too many alternatives", why="each != doubles them")
    return joined
