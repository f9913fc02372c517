"""From YAML an author wrote to a model, with every complaint at its line.

Scalars stay the text that was written: in ``[y, m]`` nobody means a truth value, and ``5.10`` is not 5.1.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from compatbuild.errors import CompatError, TemplateError
from compatbuild.model.requirement import SUBJECTS
from compatbuild.nfd.tree import MalformedError
from compatbuild.validation.outline import find
from compatbuild.validation.source import Mapping, Node, Scalar, Sequence, read
from compatbuild.validation.words import did_you_mean, listed, nearest, shown

MAX_PROBLEMS = 10
"""Problems told at once."""

T = TypeVar("T", bound=BaseModel)


Location = tuple[int | str, ...]
"""A path of keys and indices, as pydantic gives it."""


def load(
    text: bytes,
    name: str,
    model: type[T],
    kind: str,
    *,
    check: Callable[[T], Iterator[tuple[Location, str]]] | None = None,
    error: type[CompatError] = TemplateError,
) -> T:
    """Return the model that a YAML text describes.

    ``name`` is the file as the user knows it, ``kind`` what it ought to be ("a requirements document"); ``check``
    yields what else is wrong with a model that has the right shape. Raises ``error`` with all problems, each with its
    line and key.
    """
    try:
        root = read(text).root
    except MalformedError as found:
        where = f"line {found.place.line}, column {found.place.column}"
        raise error(f"{name} is not YAML: {where}", why=found.why, remedy=found.remedy) from found
    if root is None:
        raise error(f"{name} is empty", why=f"it should be {kind}", remedy="see docs/refine.md for its keys")
    problems = list(_duplicates(root))
    if not problems:
        try:
            loaded = model.model_validate(plain(root))
        except ValidationError as found:
            problems = [_problem(detail, root, model) for detail in found.errors(include_url=False)]
        else:
            problems = [(_locate(root, at)[0].line, words) for at, words in (check(loaded) if check else ())]
            if not problems:
                return loaded
    told = dict(reversed(problems))  # of several complaints about one line, the first
    lines = [f"line {line}: {told[line]}" for line in sorted(told)]
    more = [f"and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
    raise error(
        f"{name} is not {kind}" + (f": {len(lines)} problems" if len(lines) > 1 else ""),
        why="; ".join(lines[:MAX_PROBLEMS] + more),
        remedy="correct it; docs/refine.md lists the keys",
    )


def plain(node: Node) -> Any:
    """Return a tree as lists, mappings, texts and None."""
    if isinstance(node, Mapping):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node.is_null else node.text


def _duplicates(node: Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _duplicates(item)
    elif isinstance(node, Mapping):
        seen: set[str] = set()
        for entry in node.entries:
            if entry.key.text in seen and not entry.merged:
                yield entry.key.line, f"the key {shown(entry.key.text)} stands twice"
            seen.add(entry.key.text)
            yield from _duplicates(entry.value)


def _problem(detail: ErrorDetails, root: Node, model: type[BaseModel]) -> tuple[int, str]:
    """Return the line and the words of one of pydantic's complaints."""
    node, steps = _locate(root, detail["loc"])
    key = next((str(step) for step in reversed(steps) if not isinstance(step, int)), "the document")
    match detail["type"]:
        case "extra_forbidden":
            return node.line, f"unknown key {shown(key)}{did_you_mean(key, _known(detail['loc'], model))}"
        case "missing":
            return node.line, f"the key {shown(str(detail['loc'][-1]))} is missing"
        case "requirement_subject":
            return node.line, _subject_problem(node)
        case "tuple_type":
            return node.line, f"{shown(key)} must be a list, as in `{key}: [{_example(node)}]`"
        case "string_type" if not isinstance(node, Scalar):
            return node.line, f"{shown(key)} must be text"
        case _:
            said = detail["msg"][:1].lower() + detail["msg"][1:]
            value = f" is {shown(node.text)}" if isinstance(node, Scalar) else ""
            return node.line, f"{shown(key)}{value}: {said}"


def _locate(root: Node, location: Location) -> tuple[Node, list[int | str]]:
    """Follow a pydantic location as far as the tree goes; it also names the tag of a requirement after its index."""
    node, taken = root, list[int | str]()
    for before, step in zip(("", *location), location, strict=False):
        if isinstance(node, Mapping) and isinstance(before, int) and step in SUBJECTS:
            continue
        if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        elif isinstance(node, Mapping) and (entry := find(node, str(step))):
            # A complaint about a key stands at the key, and one about what is missing at its mapping.
            node = entry.value if step != location[-1] else _at_key(entry.key, entry.value)
        else:
            break
        taken.append(step)
    return node, taken


def _at_key(key: Scalar, value: Node) -> Node:
    return value if isinstance(value, Scalar) and not value.is_null else key


def _subject_problem(node: Node) -> str:
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


def _example(node: Node) -> str:
    return node.text[:40] if isinstance(node, Scalar) and not node.is_null else "…"
