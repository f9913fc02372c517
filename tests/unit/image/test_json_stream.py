"""Documents read entry by entry: the same as ``json`` reads, however they are cut, and nothing that it should not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import ImageError
from compatbuild.image.json_stream import MAX_VALUE, JsonStream

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    return (text[at : at + size] for at in range(0, len(text), size))


def read(text: bytes, size: int = 1 << 20) -> tuple[list[Any], dict[str, Any]]:
    stream = JsonStream(pieces(text, size))
    return list(stream.entries("entries")), stream.fields


@given(
    st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    st.lists(VALUES, max_size=4),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.integers(1, 30),
)
def test_what_comes_out_is_what_json_reads(
    fields: dict[str, Any],
    entries: list[Any],
    indent: int | str | None,
    ascii_only: bool,  # noqa: FBT001
    size: int,
) -> None:
    document = fields | {"entries": entries}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    found, others = read(text, size)
    assert (found, others | {"entries": found}) == (entries, document)


def test_a_number_is_not_cut_where_a_piece_ends() -> None:
    assert read(b'{"version":12345678,"entries":[]}', 13)[1]["version"] == 12345678


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "not JSON"),
        (b'{"entries":[{}]', "not JSON"),
        (b'{"entries":[{},]}', "not JSON"),
        (b'{"entries":[{}{}]}', "not JSON"),
        (b'{"entries":[]}x', "goes on"),
        (b'{"entries":[],"entries":[]}', "key twice"),
        (b"{1:[]}", "key twice"),
        (b'{"entries":[{"a":1,"a":2}]}', "key twice"),
        (b'{"entries":[NaN]}', "no number"),
        (b'{"entries":["\xff"]}', "not UTF-8"),
        (b'\xef\xbb\xbf{"entries":[]}', "not JSON"),
        (b'{"entries":[' + b"[" * 100_000, "not JSON"),
        (b'{"entries":[' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"entries":["' + b"x" * (2 * MAX_VALUE) + b'"]}', "too long"),
    ],
)
def test_what_is_not_such_a_document_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(ImageError, match=told):
        read(text, 1 << 16)
