"""One expression of NFD against one value: numbers, versions, regular expressions, and the operators over them.

Source: node-feature-discovery v0.19.0 ``pkg/apis/nfd/nodefeaturerule/expression.go`` with Go's ``strconv.Atoi`` and
``regexp``, and ``Masterminds/semver`` v3.5.0 ``NewVersion``.
"""

import operator
import re
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from compatbuild.nfd.wire import Expression

T = TypeVar("T")
Version = tuple[int, int, int]

OPERATORS = frozenset({""}).union(
    ("Exists", "DoesNotExist", "In", "NotIn", "InRegexp", "IsTrue", "IsFalse"),
    ("Gt", "Ge", "Lt", "Le", "GtLt", "GeLe"),
)
"""Every operator of NFD v0.19; the empty one is always true."""

MAX_VERSION_BYTES = 256  # Masterminds/semver refuses longer ones
_REGEXP_MEMORY = 64 << 20  # bytes a compiled pattern may take; RE2's own default is too small for a long alternation

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_IDENTIFIERS = r"([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)"
_VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?", re.ASCII)
_PADDED = re.compile(r"0[0-9]+", re.ASCII)
_PARTS = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\(\?P?<[^>]*>", re.DOTALL)  # literal runs, escapes, and openings of groups


class Fault(StrEnum):
    """Why NFD gives up on an expression; the words are those of the conformance corpus."""

    INVALID_OP = "invalid-op"
    VALUE_NOT_EMPTY = "value-must-be-empty"
    VALUE_EMPTY = "value-must-be-non-empty"
    VALUE_NOT_ONE = "value-exactly-one"
    VALUE_NOT_TWO = "value-exactly-two"
    BAD_REGEXP = "bad-regexp"
    BAD_TYPE = "bad-type"
    NOT_A_NUMBER = "not-a-number"
    NOT_A_VERSION = "not-a-version"
    VALUE_NOT_A_NUMBER = "rhs-not-number"
    VALUE_NOT_A_VERSION = "rhs-not-version"
    RANGE_ORDER = "range-order"
    NULL_EXPRESSION = "nil-expression"
    NULL_VARIABLES = "nil-map"


class EvaluationError(Exception):
    """NFD stops its whole run here; ``fault`` says why, the text says it in words."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


def holds(expression: Expression | None, *, present: bool, value: str | None) -> bool:
    """Tell whether an expression holds for one input: an element that is absent, a flag (no value) or has a value.

    Raises EvaluationError where NFD does. An absent element or a flag is never looked at closely: the operator then
    gives false whatever its values are.
    """
    if expression is None:
        raise EvaluationError(Fault.NULL_EXPRESSION, "the expression is null, which makes NFD panic")
    if expression.op not in OPERATORS:
        raise EvaluationError(Fault.INVALID_OP, f"there is no operator {expression.op!r}")
    if expression.op in _PRESENCE:
        _require(expression, 0, Fault.VALUE_NOT_EMPTY, "takes no value")
        return _PRESENCE[expression.op](present)
    if not present or value is None:
        return False
    return _ON_VALUES[expression.op](expression, value)


def number(text: str) -> int | None:
    """Read a number as Go's ``Atoi``: a sign and ASCII digits, 64 bits; None when it is not one."""
    if not _NUMBER.fullmatch(text) or len(text.lstrip("+-0")) > 20:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def version(text: str) -> Version | None:
    """Read a version as NFD does with ``type: version``; None when NFD cannot.

    One to three numbers below 2^64, missing ones are zero; what follows a ``-`` or a ``+`` must be well-formed and
    does not count.
    """
    match = _VERSION.fullmatch(text)
    if match is None or len(text.encode()) > MAX_VERSION_BYTES:
        return None
    *parts, prerelease, _ = match.groups()
    major, minor, patch = (int(part or 0) for part in parts)
    if max(major, minor, patch) >= 2**64 or any(map(_PADDED.fullmatch, (prerelease or "").split("."))):
        return None
    return major, minor, patch


def searches(pattern: str, text: str) -> bool:
    """Tell whether a pattern of Go's ``regexp`` is found in the text; EvaluationError when it is not a pattern."""
    return _compiled(pattern).search(text) is not None


def is_pattern(pattern: str) -> bool:
    """Tell whether Go's ``regexp`` takes the pattern."""
    try:
        _compiled(pattern)
    except EvaluationError:
        return False
    return True


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - a compiled extension that most commands do without

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _REGEXP_MEMORY
    if not any(map(_beyond_go, _PARTS.findall(pattern))):
        with suppress(re2.error, UnicodeEncodeError):  # the latter for a lone surrogate
            return re2.compile(pattern, options)
    raise EvaluationError(Fault.BAD_REGEXP, f"{pattern!r} is not a regular expression that Go takes")


def _beyond_go(part: str) -> bool:
    r"""Tell what RE2 takes and Go's port of it does not: ``\C``, and names of groups outside of ASCII.

    The other way round, Go 1.25 and later take Unicode classes by long or loose names (``\p{letter}``), which RE2 does
    not know: such a pattern is a fault here.
    """
    return part == r"\C" or (part.startswith("(") and not part.isascii())


def _require(expression: Expression, count: int, fault: Fault, rule: str) -> None:
    if len(expression.value) != count:
        raise EvaluationError(fault, f"{expression.op or 'an empty operator'} {rule}, it has {list(expression.value)}")


def _in(expression: Expression, value: str) -> bool:
    _require_some(expression)
    return value in expression.value


def _not_in(expression: Expression, value: str) -> bool:
    return not _in(expression, value)


def _in_regexp(expression: Expression, value: str) -> bool:
    _require_some(expression)
    patterns = _all_compiled(expression.value)
    if isinstance(patterns, EvaluationError):
        raise EvaluationError(patterns.fault, str(patterns))
    return any(pattern.search(value) for pattern in patterns)


@lru_cache(maxsize=16)
def _all_compiled(patterns: tuple[str, ...]) -> tuple[Any, ...] | EvaluationError:
    """Compile all patterns of an expression, before any is tried; one expression is compared with many values."""
    try:
        return tuple(map(_compiled, patterns))
    except EvaluationError as error:
        return error


def _require_some(expression: Expression) -> None:
    if not expression.value:
        raise EvaluationError(Fault.VALUE_EMPTY, f"{expression.op} needs a value")


def _literal(literal: str) -> Callable[[Expression, str], bool]:
    def compare(expression: Expression, value: str) -> bool:
        _require(expression, 0, Fault.VALUE_NOT_EMPTY, "takes no value")
        return value == literal

    return compare


def _ordered(order: Callable[[Any, Any], bool]) -> Callable[[Expression, str], bool]:
    def compare(expression: Expression, value: str) -> bool:
        _require(expression, 1, Fault.VALUE_NOT_ONE, "takes exactly one value")
        left, (right,) = _operands(expression, value)
        return order(left, right)

    return compare


def _between(order: Callable[[Any, Any], bool]) -> Callable[[Expression, str], bool]:
    def compare(expression: Expression, value: str) -> bool:
        _require(expression, 2, Fault.VALUE_NOT_TWO, "takes exactly two values")
        middle, (low, high) = _operands(expression, value)
        if not expression.type and low >= high:
            raise EvaluationError(Fault.RANGE_ORDER, f"{expression.op} needs its first number below its second")
        return order(low, middle) and order(middle, high)

    return compare


def _operands(expression: Expression, value: str) -> tuple[Any, list[Any]]:
    if expression.type == "version":
        return _parsed(version, expression, value, Fault.NOT_A_VERSION, Fault.VALUE_NOT_A_VERSION)
    if not expression.type:
        return _parsed(number, expression, value, Fault.NOT_A_NUMBER, Fault.VALUE_NOT_A_NUMBER)
    raise EvaluationError(Fault.BAD_TYPE, f"there is no type {expression.type!r}, only 'version'")


def _parsed(
    read: Callable[[str], T | None], expression: Expression, value: str, left: Fault, right: Fault
) -> tuple[T, list[T]]:
    kind = read.__name__
    subject = read(value)
    if subject is None:
        raise EvaluationError(left, f"the host's {value!r} is not a {kind}")
    operands = []
    for text in expression.value:
        operand = read(text)
        if operand is None:
            raise EvaluationError(right, f"{text!r} is not a {kind}")
        operands.append(operand)
    return subject, operands


_PRESENCE: dict[str, Callable[[bool], bool]] = {"": lambda _: True, "Exists": bool, "DoesNotExist": operator.not_}
_ON_VALUES: dict[str, Callable[[Expression, str], bool]] = {
    "In": _in,
    "NotIn": _not_in,
    "InRegexp": _in_regexp,
    "Gt": _ordered(operator.gt),
    "Ge": _ordered(operator.ge),
    "Lt": _ordered(operator.lt),
    "Le": _ordered(operator.le),
    "GtLt": _between(operator.lt),
    "GeLe": _between(operator.le),
    "IsTrue": _literal("true"),
    "IsFalse": _literal("false"),
}
