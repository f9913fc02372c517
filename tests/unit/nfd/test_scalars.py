"""Scalars as Go resolves and prints them; the expectations were seen in NFD v0.19.0."""

import math
import struct

import pytest

from compatbuild.nfd.scalars import ScalarError, as_key, as_string, go_scalar, resolve

PLAIN = {
    "y": "true", "Yes": "true", "ON": "true", "n": "false", "Off": "false", "tRue": "tRue", "yES": "yES",
    "~": "", "null": "", "": "", "Nil": "Nil",
    "0200": "128", "0x10de": "4318", "0X10": "16", "0o17": "15", "0O17": "15", "0b101": "5", "-0b1": "-1", "0b-1": "-1",
    "-0b-1": "-0b-1", "+10": "10", "-0": "0", "00": "0", "08": "8", "09.5": "9.5", "1_000": "1000", "_1": "_1", "1__0": "10",
    "0x": "0x", "0xZZ": "0xZZ", "-": "-", "+": "+", ".": ".", "--1": "--1",
    "9223372036854775808": "9223372036854775808", "18446744073709551616": "1.8446744e+19",
    "+18446744073709551615": "1.8446744e+19", "-9223372036854775809": "-9.223372e+18", "9" * 200: "+Inf",
    "5.10": "5.1", "5.0": "5", "5.": "5", ".5": "0.5", "-.5": "-0.5", ".5_0": "0.5", "._5": "._5", "1e3": "1000",
    "1E3": "1000", "1e": "1e", "1e400": "1e400", ".1e400": ".1e400", "1.5e300": "+Inf", "1e-50": "0", "-1e-50": "-0",
    ".inf": "+Inf", "-.INF": "-Inf", ".nan": "NaN", "inf": "inf",
    "0.0001": "0.0001", "0.00001": "1e-05", "100000.0": "100000", "1000000.0": "1e+06", "3.14159265358979": "3.1415927",
    "123456789.123": "1.2345679e+08", "16777217.0": "1.6777216e+07", "1.4e-45": "1e-45", "3.4028235e38": "3.4028235e+38",
    "3.5e38": "+Inf", "433126.875": "433126.88", "0.3000000001": "0.3",
    "12:30:45": "12:30:45", "2024-01-01": "2024-01-01", "5.14.0": "5.14.0", "=": "=", "<<": "<<", "é": "é",
}  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_scalar_as_text(text: str) -> None:
    assert go_scalar(text) == PLAIN[text]


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("5", "str", "5"), ("y", "str", "y"), ("5", "int", 5), ("0x10", "int", 16), ("5", "float", 5.0),
        ("y", "bool", True), ("~", "null", None), ("", "null", None), ("2024-01-01", "timestamp", "2024-01-01"),
        ("2024-1-2 3:4:5.6", "timestamp", "2024-1-2 3:4:5.6"), ("2024-01-01T00:00:00+01:00", "timestamp", "2024-01-01T00:00:00+01:00"),
        ("aGVsbG8=", "binary", "hello"), ("aGVs\nbG8=", "binary", "hello"), ("//79", "binary", "\ufffd\ufffd\ufffd"),
        ("5", "set", "5"),
    ],
)  # fmt: skip
def test_tagged_scalar(text: str, tag: str, value: object) -> None:
    resolved = resolve(text, f"tag:yaml.org,2002:{tag}")
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("x", "int"), ("5.5", "int"), ("y", "int"), ("x", "bool"), ("5", "bool"), ("x", "float"), ("x", "null"), ("5", "null"),
        ("2024-13-01", "timestamp"), ("yesterday", "timestamp"), ("2024-01-01", "int"), ("~", "int"), ("!", "binary"), ("QQ", "binary"),
        ("9223372036854775808", "float"),
    ],
)  # fmt: skip
def test_tag_that_does_not_fit(text: str, tag: str) -> None:
    with pytest.raises(ScalarError, match=r"cannot read|base64"):
        resolve(text, f"tag:yaml.org,2002:{tag}")


def test_foreign_tag_is_ignored() -> None:
    assert resolve("y", "!foo") == "y"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("y", "y"),
        (True, "true"),
        (128, "128"),
        (5.1, "5.1"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
    ],
)
def test_keys(value: str | float, key: str) -> None:
    assert as_key(value) == key


@pytest.mark.parametrize("value", [None, 2**63])
def test_what_go_refuses_as_a_key(value: int | None) -> None:
    with pytest.raises(ScalarError, match="a key cannot be"):
        as_key(value)


def test_every_power_of_two_reads_back_as_the_same_single() -> None:
    for exponent in range(-149, 128):
        assert struct.pack("<f", float(as_string(2.0**exponent))) == struct.pack("<f", 2.0**exponent)
