"""One expression against one value, at the edges."""

import pytest

from compatbuild.nfd.comparison import EvaluationError, Fault, holds, is_pattern, number, searches, version
from compatbuild.nfd.wire import Expression

NUMBERS = {
    "5": 5, "-5": -5, "+5": 5, "007": 7, "-0": 0, "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    "9223372036854775808": None, "0" * 50 + "1": 1, "9" * 5000: None, "": None, "+": None, " 5": None, "5 ": None, "1_000": None,
    "0x10": None, "1e3": None, "5.0": None, "\u0665": None, "--5": None, "5\n": None,
}  # fmt: skip
VERSIONS = {
    "5": (5, 0, 0), "5.14": (5, 14, 0), "v5.14.0": (5, 14, 0), "535.104.05": (535, 104, 5), "6.0.0-rc1": (6, 0, 0),
    "6.1.102-111.187.amzn2023.aarch64": (6, 1, 102), "1.2.3+meta.01": (1, 2, 3), "1.2.3-0a": (1, 2, 3), "5.15.0-0": (5, 15, 0),
    "5.15.0-01": None, "V5": None, "5.": None, "1.2.3.4": None, "5.14.0-427.el9_4": None, "1.2.3-": None, "1.2.3+": None,
    "1.2.3-a..b": None, "5.14\n": None, " 5": None, "": None, "18446744073709551615": (2**64 - 1, 0, 0), "18446744073709551616": None,
    "1." + "0" * 254: (1, 0, 0), "1." + "0" * 255: None, "\u0665": None,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_number(text: str) -> None:
    assert number(text) == NUMBERS[text]


@pytest.mark.parametrize("text", VERSIONS)
def test_version(text: str) -> None:
    assert version(text) == VERSIONS[text]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("10", "5.10", True), ("^10", "5.10", False), ("$", "a\n", True), ("a$", "a\n", False), (r"\d", "\u0665", False),
        (r"\w", "é", False), (r"\pL", "é", True), (r"(?i)K", "\u212a", True), (r"\Q.\E", ".", True), ("", "", True), (".", "\n", False),
    ],
)  # fmt: skip
def test_search(pattern: str, text: str, found: bool) -> None:  # noqa: FBT001
    assert searches(pattern, text) == found


@pytest.mark.parametrize(
    "pattern", ["(", "a**", "(?=a)", r"\1", r"\C", "(?P<é>a)", "(?<é>a)", "a{1001}", r"\Z", "[z-a]", "\ud800"]
)
def test_no_pattern_of_go(pattern: str) -> None:
    assert not is_pattern(pattern)
    with pytest.raises(EvaluationError) as error:
        searches(pattern, "x")
    assert error.value.fault == Fault.BAD_REGEXP


@pytest.mark.parametrize(
    "pattern", [r"\Q\C", r"\Q(?<é>\E", r"\\C", "(?<n>a)", "(?P<n>a)", r"\z", "x*", "a{1000}", "é(?:a)"]
)
def test_patterns_of_go(pattern: str) -> None:
    assert is_pattern(pattern)


def test_a_long_alternation_compiles() -> None:
    assert searches("|".join(f"^module_{n}$" for n in range(20_000)), "module_19999")


def _holds(op: str, *value: str, on: str | None = "5", present: bool = True, type_: str = "") -> bool:
    return holds(Expression(op, value, type_), present=present, value=on)


@pytest.mark.parametrize("op", ["In", "NotIn", "InRegexp", "Gt", "Ge", "Lt", "Le", "GtLt", "GeLe", "IsTrue", "IsFalse"])
def test_absent_elements_and_flags_are_not_looked_at(op: str) -> None:
    assert not _holds(op, "(", "x", "y", on=None, present=False, type_="nonsense")
    assert not _holds(op, "(", "x", "y", on=None, type_="nonsense")


@pytest.mark.parametrize(
    ("expected", "op", "value", "on", "type_"),
    [
        (True, "In", ("5", "6"), "5", ""), (False, "In", (" 5",), "5", ""), (True, "NotIn", ("6",), "5", ""),
        (True, "Gt", ("9",), "10", ""), (True, "Gt", ("9",), "10.0", "version"),
        (True, "Le", ("5.10",), "5.10.0-rc1", "version"), (True, "GtLt", ("4", "6"), "5", ""), (False, "GtLt", ("5", "6"), "5", ""),
        (True, "GeLe", ("5", "6"), "5", ""), (False, "GtLt", ("6", "5"), "5.5", "version"), (True, "GeLe", ("5", "5"), "5", "version"),
        (True, "IsTrue", (), "true", ""), (False, "IsTrue", (), "True", ""), (True, "IsFalse", (), "false", ""), (True, "", (), "x", ""),
    ],
)  # fmt: skip
def test_verdicts(expected: bool, op: str, value: tuple[str, ...], on: str, type_: str) -> None:  # noqa: FBT001
    assert _holds(op, *value, on=on, type_=type_) == expected


@pytest.mark.parametrize(
    ("fault", "op", "value", "on", "type_"),
    [
        (Fault.INVALID_OP, "in", (), "5", ""), (Fault.VALUE_NOT_EMPTY, "Exists", ("",), "5", ""), (Fault.VALUE_NOT_EMPTY, "", ("x",), "5", ""),
        (Fault.VALUE_NOT_EMPTY, "IsTrue", ("x",), "true", ""), (Fault.VALUE_EMPTY, "In", (), "5", ""), (Fault.VALUE_EMPTY, "InRegexp", (), "5", ""),
        (Fault.VALUE_EMPTY, "NotIn", (), "5", ""), (Fault.BAD_REGEXP, "InRegexp", ("5", "("), "5", ""), (Fault.VALUE_NOT_ONE, "Gt", ("1", "2"), "5", ""),
        (Fault.VALUE_NOT_TWO, "GeLe", ("1",), "5", ""), (Fault.BAD_TYPE, "Gt", ("1",), "5", "number"), (Fault.NOT_A_NUMBER, "Gt", ("x",), "x", ""),
        (Fault.VALUE_NOT_A_NUMBER, "Gt", ("x",), "5", ""), (Fault.NOT_A_VERSION, "Ge", ("x",), "a_b", "version"),
        (Fault.VALUE_NOT_A_VERSION, "Ge", ("a_b",), "5", "version"), (Fault.RANGE_ORDER, "GeLe", ("5", "5"), "5", ""),
    ],
)  # fmt: skip
def test_faults(fault: Fault, op: str, value: tuple[str, ...], on: str, type_: str) -> None:
    with pytest.raises(EvaluationError) as error:
        _holds(op, *value, on=on, type_=type_)
    assert error.value.fault == fault
    assert str(error.value)


def test_null_expression() -> None:
    with pytest.raises(EvaluationError) as error:
        holds(None, present=True, value="x")
    assert error.value.fault == Fault.NULL_EXPRESSION
