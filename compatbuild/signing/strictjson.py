"""JSON from strangers: no duplicate names, no numbers outside JSON, bounded in size and depth."""

import base64
import json
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

MAX_PLACE = 80  # letters of a path into the document: some of its names are the stranger's


class Wire(BaseModel):
    """A record read from JSON somebody else wrote: exact types, frozen, fields of later versions ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", populate_by_name=True)


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a string in base64")  # noqa: TRY004 - pydantic collects ValueError only
    return base64.b64decode(value, validate=True)


Base64 = Annotated[bytes, BeforeValidator(_decoded)]
"""Bytes that JSON carries in standard base64 with padding (RFC 4648 §4)."""


def first(error: ValidationError) -> str:
    """Return the first thing wrong with a record, as ``field.field: what``, safe to print."""
    wrong = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, wrong["loc"]))[:MAX_PLACE] or "the document"
    return f"{''.join(letter if letter.isprintable() else '?' for letter in place)}: {wrong['msg']}"


def parse(raw: bytes, limit: int) -> Any:
    """Return the value of one JSON document in UTF-8 of at most ``limit`` bytes.

    Raises ValueError with the reason in one line. Two fields of one name are refused, since readers differ in which of
    the two they take and a signature must not mean two things.
    """
    if len(raw) > limit:
        raise ValueError(f"{len(raw)} bytes, more than the limit of {limit}")
    try:
        return json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field appears twice in one object")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
