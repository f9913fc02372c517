"""The JSON schema of the format, and its complaints in words and with places.

jsonschema is imported inside the functions: it costs as much start-up time as the rest of the tool.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from compatbuild.validation.issue import Issue, Place, make_issue
from compatbuild.validation.outline import find, place
from compatbuild.validation.reading import as_json
from compatbuild.validation.source import Mapping, Node, Scalar, Sequence
from compatbuild.validation.spelling import pointer
from compatbuild.validation.words import did_you_mean, listed, shown

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

SPEC_SCHEMA = "nfd-image-compatibility-v1alpha1.schema.json"

MISSING_KEY, WRONG_TYPE, WRONG_VALUE = "missing-key", "wrong-type", "wrong-value"

_HINTS = {"version": "v1alpha1", "name": "and a name for reports", "feature": "and a name such as kernel.version"}
_TYPES = {"array": "a list", "object": "a mapping", "string": "text", "integer": "a whole number"}


@cache
def load(name: str) -> dict[str, Any]:
    """Return one of the JSON schemas that ship with the tool."""
    text = files("compatbuild").joinpath("data", "schemas", name).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def schema_issues(root: Node, name: str) -> Iterator[Issue]:
    """Yield what the schema says against a specification whose unknown keys are already put right."""
    for error in _validator().iter_errors(as_json(root)):
        yield from _issues(error, root, name)


@cache
def _validator() -> "Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - see above

    return Draft202012Validator(load(SPEC_SCHEMA))


def _issues(error: "ValidationError", root: Node, name: str) -> Iterator[Issue]:
    steps = list(error.absolute_path)
    node, path = _locate(root, steps)
    keyword, wanted = str(error.validator), cast("Any", error.validator_value)
    if keyword == "required":
        key = next(key for key in wanted if error.message.startswith(repr(key)))
        at = Place(node.line, node.column, pointer(path, key))
        remedy = f"add `{key}:` {_HINTS.get(key, '')}".rstrip()
        yield make_issue(MISSING_KEY, at, f"{_noun(steps)} has no `{key}`", remedy=remedy, name=name)
    elif keyword == "anyOf":  # of a rule; there is no other
        remedy = "say under matchFeatures what the host must have"
        yield make_issue(MISSING_KEY, place(node, path), f"{_noun(steps)} has no matchers", remedy=remedy, name=name)
    elif keyword == "type":
        message = f"{_noun(steps)} must be {_TYPES[wanted]}, not {_described(node)}"
        yield make_issue(WRONG_TYPE, place(node, path), message, remedy=_type_remedy(node, wanted), name=name)
    else:
        message, remedy = _value_words(keyword, wanted, node, steps)
        yield make_issue(WRONG_VALUE, place(node, path), message, remedy=remedy, name=name)


def _locate(root: Node, steps: list[str | int]) -> tuple[Node, str]:
    """Return the node that a path of keys and indices leads to, and its JSON pointer."""
    node, path = root, ""
    for step in steps:
        path = pointer(path, step)
        if isinstance(step, int) and isinstance(node, Sequence):
            node = node.items[step]
        elif isinstance(node, Mapping) and (entry := find(node, str(step))):
            node = entry.value
    return node, path


def _noun(steps: list[str | int]) -> str:
    """Name the thing a path leads to, as an author would."""
    if not steps:
        return "the document"
    last = steps[-1]
    if not isinstance(last, int):
        return f"the expression on {shown(last)}" if steps[-2:-1] == ["matchExpressions"] else shown(last)
    parent = str(steps[-2])
    names = {"compatibilities": "set", "rules": "rule", "matchFeatures": "term", "matchAny": "branch", "value": "value"}
    return f"{names.get(parent, 'item')} {last + 1}"


def _described(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else f"the text {shown(node.text)}"


def _type_remedy(node: Node, wanted: str) -> str:
    if isinstance(node, Scalar) and node.is_null:
        return "give it a value or remove it; NFD drops it, or ends with a panic"
    if wanted == "array" and isinstance(node, Scalar):
        return f'write it as a list: ["{node.text}"]' if len(node.text) < 60 else "write it as a list"
    if wanted == "array" and isinstance(node, Mapping):
        return "begin each item with `- `"
    return f"write {_TYPES[wanted]}"


def _value_words(keyword: str, wanted: Any, node: Node, steps: list[str | int]) -> tuple[str, str]:
    subject = _noun(steps)
    text = node.text if isinstance(node, Scalar) else ""
    words = {
        "const": (f"{subject} is {shown(text)}, it must be `{wanted}`", f"write `{wanted}`"),
        "enum": (f"{subject} cannot be {shown(text)}", "remove it, or use one of those that are known"),
        "minItems": (f"{subject} is empty", "add an item or remove the key"),
        "maxItems": (f"{subject} has more than {wanted} items", "remove some"),
        "minLength": (f"{subject} is empty", "give it a text"),
        "maxLength": (f"{subject} is longer than {wanted} characters", "shorten it"),
        "pattern": (
            f"{subject} is {shown(text)}, not of the form `domain.feature`",
            "write for example kernel.version",
        ),
    }
    if keyword == "enum":
        return f"{words[keyword][0]}{did_you_mean(text, wanted)}", f"use one of {listed(wanted)}, or remove the key"
    return words.get(keyword, (f"{subject} is out of range: {shown(text)}", "choose a number of 64 bits"))
