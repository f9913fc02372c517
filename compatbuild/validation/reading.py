"""A tree's scalars as NFD takes them, and the whole tree as the JSON it would decode."""

from pydantic import JsonValue

from compatbuild.nfd.scalars import ScalarError, as_key, as_string, resolve
from compatbuild.validation.source import Mapping, Node, Scalar, Sequence

_WEIGHT_DEPTH = 3  # /compatibilities/N/weight: the only field of the format that is not text


def value_of(scalar: Scalar) -> str | None:
    """Return what NFD holds where it expects text, or None when it refuses the document for it."""
    if not scalar.plain and not scalar.tag:
        return scalar.text
    try:
        return as_string(resolve(scalar.text, scalar.tag))
    except ScalarError:
        return None


def key_of(scalar: Scalar) -> str | None:
    """Return the key that NFD holds, or None when it refuses the document for it."""
    if not scalar.plain and not scalar.tag:
        return scalar.text
    try:
        return as_key(resolve(scalar.text, scalar.tag))
    except ScalarError:
        return None


def as_json(node: Node, depth: int = 0, key: str = "") -> JsonValue:
    """Return the document as NFD's JSON, except that keys stay as they are written; the last of two equal keys wins."""
    if isinstance(node, Mapping):
        return {entry.key.text: as_json(entry.value, depth + 1, entry.key.text) for entry in node.entries}
    if isinstance(node, Sequence):
        return [as_json(item, depth + 1) for item in node.items]
    if node.is_null:
        return None
    if depth == _WEIGHT_DEPTH and key == "weight" and node.plain:
        number = resolve(node.text)
        return number if isinstance(number, int | float) else node.text
    return value_of(node)
