"""JSON that may be cut off: records of package managers put what matters first and long lists of files last."""

import json
import re
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")


def text_of(content: bytes) -> str:
    """Return the text of a file, without a byte order mark."""
    return content.decode("utf-8-sig", "replace")


def members(text: str) -> dict[str, Any]:
    """Return the members of the object that a text begins with, as far as they are whole; none of anything else."""
    found: dict[str, Any] = {}
    at = _past(text, 0, "{")
    while at > 0:
        key, at = _value(text, at)
        at = _past(text, at, ":") if isinstance(key, str) else -1
        if at > 0:
            value, at = _value(text, at)
            if at > 0:
                found[key] = value
                at = _past(text, at, ",")
    return found


def items(text: str, at: int = 0) -> Iterator[Any]:
    """Yield the items of the array at a place of a text, as far as they are whole; none of anything else."""
    at = _past(text, at, "[")
    while at > 0:
        value, at = _value(text, at)
        if at > 0:
            yield value
            at = _past(text, at, ",")


def _past(text: str, at: int, mark: str) -> int:
    """Return the place behind a mark and the blanks around it, -1 when it is not there."""
    if at < 0:
        return -1
    at = _skipped(text, at)
    return _skipped(text, at + 1) if text.startswith(mark, at) else -1


def _skipped(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _value(text: str, at: int) -> tuple[Any, int]:
    """Return one JSON value and the place behind it, -1 when it is damaged, cut off or nested without end."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, -1
