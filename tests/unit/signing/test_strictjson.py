import pytest
from pydantic import ValidationError

from compatbuild.signing import strictjson
from compatbuild.signing.strictjson import Wire


def test_json_is_read() -> None:
    assert strictjson.parse('{"a": [1, null, "ü"]}'.encode(), 100) == {"a": [1, None, "ü"]}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[" * 90_000, "nested too deeply"),
        (b'"\xff"', "not UTF-8"),
        (b"1" * 5000, "digits"),
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b" " * 100_001, "limit of 100000"),
    ],
)
def test_doubtful_json_is_not(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        strictjson.parse(raw, 100_000)


class Record(Wire):
    inner: dict[str, int]


def test_the_place_of_a_fault_is_safe_to_print() -> None:
    with pytest.raises(ValidationError) as caught:
        Record.model_validate({"inner": {"\x1b[31m" + "x" * 500: "no"}})
    text = strictjson.first(caught.value)
    assert text.isprintable()
    assert text.startswith("inner.?[31mx")
    assert len(text) < 200
