"""Whether one comparison of NFD's follows from another, for specifications that are compared with each other.

What an operator means is that of ``compatbuild.nfd.comparison``: every operator on values is false where the element is
absent or has none.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from compatbuild.nfd.comparison import OPERATORS, EvaluationError, holds, number, version
from compatbuild.nfd.conditions import Check, Condition
from compatbuild.nfd.wire import Expression

_ON_VALUES = OPERATORS - {"", "Exists", "DoesNotExist"}
_READ: dict[str, Callable[[str], Any]] = {"": number, "version": version}


def follows(premise: Condition, conclusion: Condition) -> bool:
    """Tell whether a host (of devices: the same device) that satisfies one condition satisfies another."""
    if premise.feature != conclusion.feature:
        return False
    return all(any(_check(one, other) for one in premise.checks) for other in conclusion.checks)


def _check(one: Check, other: Check) -> bool:
    if one == other:
        return True
    if not other.name or other.op == "Exists":
        names = _names(one)
        return _asks_presence(other) and names is not None and names <= _named(other)
    return one.name == other.name and _of_one_element(one, other)


def _of_one_element(one: Check, other: Check) -> bool:
    match one.op, other.op:
        case _, "":
            follows = not other.value
        case "In" | "IsTrue" | "IsFalse", _:
            follows = other.op in _ON_VALUES and all(_holds(other, value) for value in _values(one))
        case "NotIn", "NotIn":
            follows = set(other.value) <= set(one.value)
        case _:
            follows = _ordered(one, other)
    return follows


def _asks_presence(check: Check) -> bool:
    """Say whether a comparison asks for nothing but that an element be there: one of some, or one by its name."""
    return not check.value if check.name else check.op == "In"


def _named(check: Check) -> frozenset[str]:
    return frozenset((check.name,) if check.name else check.value)


def _names(check: Check) -> frozenset[str] | None:
    """Return the names one of which is there where a comparison holds, None when it does not come to that."""
    if check.name:
        return _named(check) if check.op in _ON_VALUES or (check.op == "Exists" and not check.value) else None
    return _named(check) if check.op == "In" else None


def _values(check: Check) -> tuple[str, ...]:
    return {"IsTrue": ("true",), "IsFalse": ("false",)}.get(check.op, check.value)


def _holds(check: Check, value: str) -> bool:
    try:
        return holds(Expression(check.op, check.value, check.type), present=True, value=value)
    except EvaluationError:
        return False


class _Bounds(NamedTuple):
    """The ends of a range of numbers or versions, and whether each end itself is out."""

    low: Any
    above: bool
    high: Any
    below: bool


def _ordered(one: Check, other: Check) -> bool:
    """Compare two ranges of numbers, or of versions."""
    inner, outer = _bounds(one), _bounds(other)
    if inner is None or outer is None or one.type != other.type:
        return False
    from_low = inner.low > outer.low or (inner.low == outer.low and inner.above >= outer.above)
    to_high = inner.high < outer.high or (inner.high == outer.high and inner.below >= outer.below)
    return bool(from_low and to_high)


def _bounds(check: Check) -> _Bounds | None:
    """Return the range that an operator of order means, None for another operator, or values that NFD refuses."""
    read = _READ.get(check.type)
    ends = [read(text) for text in check.value] if read else []
    if None in ends or len(ends) != (2 if check.op in ("GtLt", "GeLe") else 1):
        return None
    lowest, highest = ((-math.inf,), (math.inf,)) if check.type else (-math.inf, math.inf)
    strict = check.op in ("Gt", "Lt", "GtLt")
    match check.op:
        case "Gt" | "Ge":
            return _Bounds(ends[0], strict, highest, below=False)
        case "Lt" | "Le":
            return _Bounds(lowest, above=False, high=ends[0], below=strict)
        case "GtLt" | "GeLe":
            return _Bounds(ends[0], strict, ends[1], strict)
    return None
