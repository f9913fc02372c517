"""Scalars as NFD reads them: go-yaml v2 resolves them, and Go turns them into text where a string is expected.

Sources: ``go.yaml.in/yaml/v2`` v2.4.3 ``resolve.go``, ``sigs.k8s.io/yaml`` v1.6.0 ``yaml.go``, Go's ``strconv``. The
resolver follows YAML 1.1 only in part: ``y`` and ``0200`` are not strings, yet ``12:30:45`` and ``2024-01-01`` are.
"""

import base64
import binascii
import math
import re
import struct
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None
"""A resolved scalar. Integers lie between -2^63 and 2^64 - 1."""

TAG_PREFIX = "tag:yaml.org,2002:"
MERGE_TAG = f"{TAG_PREFIX}merge"

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_RESOLVED_TAGS = frozenset({"", *(TAG_PREFIX + name for name in ("str", "bool", "int", "float", "null", "timestamp"))})
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_LATE_BINARY = re.compile(r"0b([+-][01]+)", re.ASCII)  # go-yaml tries once more, and then takes a sign behind the 0b
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?", re.ASCII)
_DATE = r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
_TIME = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?"
_TIMESTAMP = re.compile(rf"{_DATE}(?:[Tt]{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})| {_TIME})?")
_FLOAT32_DIGITS = 9  # of a decimal that always reads back as the same binary32
_EXPONENT_FROM = 6  # Go's %g without a precision turns to an exponent from here on


class ScalarError(ValueError):
    """A tagged scalar is not of its tag's kind; the text says how."""


def resolve(text: str, tag: str = "") -> Scalar:
    """Give the value of a plain or tagged scalar; ``tag`` is the long form or empty.

    Raises ScalarError when the text cannot be read as the tag says. A tag that is not of YAML's own is ignored.
    """
    if tag == f"{TAG_PREFIX}binary":
        return _binary(text)
    if tag not in _RESOLVED_TAGS or tag == f"{TAG_PREFIX}str":
        return text
    value = _implicit(text)
    if not tag or tag == TAG_PREFIX + _kind(value, text):
        return value
    if tag == f"{TAG_PREFIX}float" and type(value) is int and value < 2**63:
        return float(value)
    raise ScalarError(f"cannot read {text!r} as !!{tag.removeprefix(TAG_PREFIX)}")


def go_scalar(text: str) -> str:
    """Give the string that NFD holds after reading ``text`` as a plain, unquoted scalar where a string is expected.

    The result differs from ``text`` exactly when the scalar must be quoted: ``y`` becomes ``true``, ``0200`` ``128``.
    """
    return as_string(resolve(text))


def as_string(value: Scalar) -> str:
    """Give a scalar as Go writes it into a string field: null becomes empty, floats their shortest binary32 form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float32(value) if isinstance(value, float) else str(value)


def as_key(value: Scalar) -> str:
    """Give a scalar as a mapping key; raises ScalarError for null and for integers from 2^63 on, which Go refuses."""
    if value is None or (type(value) is int and value >= 2**63):
        raise ScalarError(f"a key cannot be {as_string(value) or 'null'}")
    text = as_string(value)
    return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(text, text) if isinstance(value, float) else text


def _implicit(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text, text) if _POINT_FLOAT.fullmatch(text) else text
    if text[0] not in "+-0123456789":
        return text
    number = text.replace("_", "")
    integer = _integer(number)
    if integer is not None:
        return integer
    return _float(number, text) if _FLOAT.fullmatch(number) else text


def _integer(text: str) -> int | None:
    if match := _INTEGER.fullmatch(text):
        sign, hexadecimal, binary, octal, decimal = match.groups()
        value = _in_base((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10))
        value = -value if sign == "-" else value
        # Unsigned numbers have no sign, not even a plus.
        return value if -(2**63) <= value < (2**63 if sign else 2**64) else None
    if match := _LATE_BINARY.fullmatch(text):
        value = _in_base((match[1], 2))
        return value if -(2**63) <= value < 2**63 else None
    return None


def _in_base(*candidates: tuple[str | None, int]) -> int:
    # More digits than these are out of range in every base, and int() would refuse thousands of them.
    return next(int(digits, base) if len(digits) <= 100 else 2**64 for digits, base in candidates if digits)


def _float(number: str, text: str) -> float | str:
    """Give the float, or the text when the number is out of range: Go's ParseFloat fails where Python says infinity."""
    value = float(number)
    return text if math.isinf(value) else value


def _kind(value: Scalar, text: str) -> str:
    if isinstance(value, str):
        return "timestamp" if _is_timestamp(text) else "str"
    return {bool: "bool", int: "int", float: "float"}.get(type(value), "null")


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    try:
        return bool(match and date(*map(int, match.groups())))
    except ValueError:
        return False


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ScalarError(f"!!binary is not base64: {error}") from error
    return data.decode(errors="replace")


def _float32(value: float) -> str:
    """Give Go's ``FormatFloat(value, 'g', -1, 32)``: the shortest decimal that reads back as the same binary32.

    Ties go to the even digit. Of 300,000 values, powers of two among them, one was seen to differ: Go gives 2^-12 an
    odd one.
    """
    single = _single(value)
    if math.isnan(single):
        return "NaN"
    if math.isinf(single):
        return "+Inf" if single > 0 else "-Inf"
    if single == 0:
        return "-0" if math.copysign(1, single) < 0 else "0"
    return _general(_shortest(single))


def _single(value: float) -> float:
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(single)


def _shortest(single: float) -> Decimal:
    exact = Decimal(single)
    for digits in range(1, _FLOAT32_DIGITS):
        for rounding in (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING):  # the nearest first, then its neighbours
            near = Context(prec=digits, rounding=rounding).plus(exact)
            if _single(float(near)) == single:
                return near
    return Context(prec=_FLOAT32_DIGITS).plus(exact)


def _general(number: Decimal) -> str:
    sign, digits, _ = number.normalize().as_tuple()
    text, exponent = "".join(map(str, digits)), number.adjusted()
    if -4 <= exponent < _EXPONENT_FROM:
        return f"{number.normalize():f}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' * sign}{text[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
