"""From YAML an author wrote to a model, with every complaint at its line.

Scalars stay the text that was written: in ``[y, m]`` nobody means a truth value, and ``5.10`` is not 5.1.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from compatbuild.errors import CompatError, TemplateError
from compatbuild.nfd.tree import MalformedError
from compatbuild.refine.complaints import Complaint, Location, complaint, locate
from compatbuild.validation.source import Mapping, Node, Sequence, read
from compatbuild.validation.words import shown

MAX_PROBLEMS = 10
"""Problems told at once."""

T = TypeVar("T", bound=BaseModel)


def load(
    text: bytes,
    name: str,
    model: type[T],
    kind: str,
    *,
    check: Callable[[T], Iterator[tuple[Location, str]]] | None = None,
    error: type[CompatError] = TemplateError,
    show: bool = False,
) -> T:
    """Return the model that a YAML text describes.

    ``name`` is the file as the user knows it, ``kind`` what it ought to be ("a requirements document"); ``check``
    yields what else is wrong with a model that has the right shape. Raises ``error`` with all problems, each with its
    line and key, and with the text of the line when its author cannot look it up (``show``).
    """
    try:
        root = read(text).root
    except MalformedError as found:
        where = f"line {found.place.line}, column {found.place.column}"
        raise error(f"{name} is not YAML: {where}", why=found.why, remedy=found.remedy) from found
    if root is None:
        raise error(f"{name} is empty", why=f"it should be {kind}", remedy="see docs/refine.md for its keys")
    loaded, problems = _loaded(root, model)
    if loaded is not None and check is not None:
        problems = [Complaint(locate(root, at).line, words) for at, words in check(loaded)]
    if loaded is None or problems:
        lines = text.decode("utf-8", "replace").splitlines() if show else []
        raise _refusal(problems, lines, name, kind, error)
    return loaded


def _loaded(root: Node, model: type[T]) -> tuple[T | None, list[Complaint]]:
    twice = list(_duplicates(root))
    if twice:
        return None, twice
    try:
        return model.model_validate(_plain(root)), []
    except ValidationError as found:
        return None, [complaint(detail, root, model) for detail in found.errors(include_url=False)]


def _plain(node: Node) -> Any:
    """Return a tree as lists, mappings, texts and None."""
    if isinstance(node, Mapping):
        return {entry.key.text: _plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    return None if node.is_null else node.text


def _duplicates(node: Node) -> Iterator[Complaint]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _duplicates(item)
    elif isinstance(node, Mapping):
        seen: set[str] = set()
        for entry in node.entries:
            if entry.key.text in seen and not entry.merged:
                yield Complaint(entry.key.line, f"the key {shown(entry.key.text)} stands twice")
            seen.add(entry.key.text)
            yield from _duplicates(entry.value)


def _refusal(
    problems: list[Complaint], lines: list[str], name: str, kind: str, error: type[CompatError]
) -> CompatError:
    first = {each.line: each.words for each in reversed(problems)}  # of several complaints about one line
    told = [
        f"line {line}{f', {shown(lines[line - 1].strip())}' if line <= len(lines) else ''}: {first[line]}"
        for line in sorted(first)
    ]
    more = [f"and {len(told) - MAX_PROBLEMS} more"] if len(told) > MAX_PROBLEMS else []
    return error(
        f"{name} is not {kind}" + (f": {len(told)} problems" if len(told) > 1 else ""),
        why="; ".join(told[:MAX_PROBLEMS] + more),
        remedy="correct it; docs/refine.md lists the keys",
    )
