"""Whether any host's value can satisfy several expressions over one element, as far as that is certain."""

from collections.abc import Iterator, Sequence
from functools import reduce

from compatbuild.nfd.comparison import number, version
from compatbuild.validation.operators import ARITY, ORDERING
from compatbuild.validation.outline import Expression

Point = tuple[int, ...]
"""A version, or a number alone in a tuple, so that both are compared by the same lines."""

_LOWEST = {True: (0, 0, 0), False: (-(2**63),)}
_BEYOND = {True: (2**64, 0, 0), False: (2**63,)}

_LITERALS = {"IsTrue": "true", "IsFalse": "false"}


def satisfiable(expressions: Sequence[Expression]) -> bool:
    """Tell whether one value (or its absence) can satisfy all; true when that cannot be told."""
    operators = {expression.operator for expression in expressions}
    if "DoesNotExist" in operators:
        return len(operators) == 1
    numbers = list(_intervals(expressions, is_version=False))
    versions = list(_intervals(expressions, is_version=True))
    if _is_empty(numbers) or _is_empty(versions):
        return False
    allowed = _allowed(expressions)
    return allowed is None or any(
        _inside(_point(text, is_version=False), numbers) and _inside(_point(text, is_version=True), versions)
        for text in allowed
    )


def _intervals(expressions: Sequence[Expression], *, is_version: bool) -> Iterator[tuple[Point, Point]]:
    """Yield the half-open interval that each ordering expression of one type leaves."""
    for expression in expressions:
        if expression.operator not in ORDERING or expression.is_version is not is_version:
            continue
        bounds = [point for text in expression.texts if (point := _point(text, is_version=is_version))]
        if len(bounds) == ARITY[expression.operator][0] == len(expression.texts):
            yield _interval(expression.operator, bounds, _LOWEST[is_version], _BEYOND[is_version])


def _interval(operator: str, bounds: list[Point], lowest: Point, beyond: Point) -> tuple[Point, Point]:
    first, last = bounds[0], bounds[-1]
    low = {"Gt": _after(first), "GtLt": _after(first), "Ge": first, "GeLe": first}.get(operator, lowest)
    high = {"Lt": last, "GtLt": last, "Le": _after(last), "GeLe": _after(last)}.get(operator, beyond)
    return low, high


def _point(text: str, *, is_version: bool) -> Point | None:
    if is_version:
        return version(text)
    value = number(text)
    return None if value is None else (value,)


def _after(point: Point) -> Point:
    return (*point[:-1], point[-1] + 1)


def _is_empty(intervals: Sequence[tuple[Point, Point]]) -> bool:
    return bool(intervals) and max(low for low, _ in intervals) >= min(high for _, high in intervals)


def _inside(point: Point | None, intervals: Sequence[tuple[Point, Point]]) -> bool:
    return all(point is not None and low <= point < high for low, high in intervals)


def _allowed(expressions: Sequence[Expression]) -> frozenset[str] | None:
    """Return the texts that In, NotIn, IsTrue and IsFalse leave, or None when they leave most."""
    groups = list(_groups(expressions))
    if not groups:
        return None
    denied = {text for one in expressions if one.operator == "NotIn" for text in one.texts}
    return reduce(frozenset.intersection, groups) - denied


def _groups(expressions: Sequence[Expression]) -> Iterator[frozenset[str]]:
    for expression in expressions:
        if expression.operator == "In" and expression.texts:
            yield frozenset(expression.texts)
        elif expression.operator in _LITERALS:
            yield frozenset({_LITERALS[expression.operator]})
