"""pydantic's complaints, in an author's words and with the line they are about."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from compatbuild.model.requirement import SUBJECTS
from compatbuild.validation.outline import find
from compatbuild.validation.source import Mapping, Node, Scalar, Sequence
from compatbuild.validation.words import did_you_mean, listed, nearest, shown

Location = tuple[int | str, ...]
"""A path of keys and indices, as pydantic gives it: the index of a requirement is followed by its subject."""


class Complaint(NamedTuple):
    """What is wrong, and in which line."""

    line: int
    words: str


class Located(NamedTuple):
    """What a path leads to, as far as it goes: the line of its key, the last key, and what stands there."""

    line: int
    key: str
    node: Node


def locate(root: Node, location: Location) -> Located:
    """Follow a location into a tree."""
    found = Located(root.line, "the document", root)
    for before, step in zip(("", *location), location, strict=False):
        if isinstance(found.node, Mapping) and isinstance(before, int) and step in SUBJECTS:
            continue  # the tag that tells which kind of requirement this is
        if isinstance(found.node, Sequence) and isinstance(step, int) and step < len(found.node.items):
            item = found.node.items[step]
            found = Located(item.line, found.key, item)
        elif isinstance(found.node, Mapping) and (entry := find(found.node, str(step))):
            found = Located(entry.key.line, entry.key.text, entry.value)
        else:
            break
    return found


def complaint(detail: ErrorDetails, root: Node, model: type[BaseModel]) -> Complaint:
    """Return the line and the words of one of pydantic's complaints about a model."""
    line, key, node = locate(root, detail["loc"])
    return Complaint(line, _words(detail, key, node, model))


def _words(detail: ErrorDetails, key: str, node: Node, model: type[BaseModel]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {shown(key)}{did_you_mean(key, _known(detail['loc'], model))}"
        case "missing":
            return f"the key {shown(str(detail['loc'][-1]))} is missing"
        case "requirement_subject":
            return _subject(node)
        case "tuple_type":
            example = node.text[:40] if isinstance(node, Scalar) and not node.is_null else "…"
            return f"{shown(key)} must be a list, as in `{key}: [{example}]`"
        case "string_type":
            return f"{shown(key)} must be text"
        case _:
            said = detail["msg"][:1].lower() + detail["msg"][1:]
            value = f" is {shown(node.text)}" if isinstance(node, Scalar) else ""
            return f"{shown(key)}{value}: {said}"


def _subject(node: Node) -> str:
    """Say why a requirement has no one subject."""
    if not isinstance(node, Mapping):
        what = shown(node.text) if isinstance(node, Scalar) else "a list"
        return f'a requirement is a mapping such as `kernel: ">=5.10"`, not {what}'
    keys = [entry.key.text for entry in node.entries]
    found = [key for key in keys if key in SUBJECTS]
    if len(found) > 1:
        return f"a requirement has one subject, this has {listed(found)}: make them separate items"
    for key in keys:
        if key not in {"id", "comment"} and nearest(key, SUBJECTS):
            return f"unknown subject {shown(key)}{did_you_mean(key, SUBJECTS)}"
    return f"a requirement has one of the keys {', '.join(SUBJECTS)}"


def _known(location: Location, model: type[BaseModel]) -> Iterable[str]:
    """Return the keys that may stand where an unknown one was found."""
    if len(location) == 1:
        return model.model_fields
    subject = SUBJECTS.get(str(location[-2]))
    return subject.model_fields if subject else ()
