"""An unquoted scalar that NFD reads as something else: ``y`` is ``true`` to it, ``0200`` is 128."""

from collections.abc import Iterator
from typing import TypeGuard

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.reading import key_of, value_of
from compatbuild.validation.source import Mapping, Node, Scalar, Sequence
from compatbuild.validation.spelling import pointer
from compatbuild.validation.words import MAX_SHOWN, shown

_TEXTS = frozenset({"version", "tag", "description", "name", "feature", "op", "type"})
_FREE_KEYS = frozenset({"matchExpressions", "vars"})
"""Where keys are the author's own."""


def _check(outline: Outline) -> Iterator[Problem]:
    if outline.source.root is not None:
        yield from _below(outline.source.root, "", "")


def _below(node: Node, path: str, parent: str) -> Iterator[Problem]:
    """Yield the misread scalars below a node; ``parent`` is the key that holds it."""
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            here = pointer(path, index)
            if parent == "value" and _is_text(item):
                yield from _misread(item, here, value_of(item))
            yield from _below(item, here, "")
    elif isinstance(node, Mapping):
        for entry in node.entries:
            here = pointer(path, entry.key.text)
            if parent in _FREE_KEYS:
                yield from _misread(entry.key, here, key_of(entry.key))
            if _is_text(entry.value) and (parent == "vars" or entry.key.text in _TEXTS):
                yield from _misread(entry.value, here, value_of(entry.value))
            # An element may be called `value` or `vars`: below free keys, keys have no meaning.
            yield from _below(entry.value, here, "" if parent in _FREE_KEYS else entry.key.text)


def _is_text(node: Node) -> TypeGuard[Scalar]:
    """Tell whether something stands here; that nothing does is the schema's to report."""
    return isinstance(node, Scalar) and not node.is_null


def _misread(scalar: Scalar, path: str, read: str | None) -> Iterator[Problem]:
    if read == scalar.text:
        return
    outcome = "NFD refuses the document for it" if read is None else f"NFD reads {shown(read)}"
    remedy = f'write "{scalar.text}"' if len(scalar.text) <= MAX_SHOWN and '"' not in scalar.text else ""
    yield Problem(Place(scalar.line, scalar.column, path), f"{shown(scalar.text)} is not in quotes: {outcome}", remedy)


RULE = Rule(
    id="unquoted-scalar",
    title="An unquoted text that NFD reads as something else",
    severity=Severity.ERROR,
    remedy="put it in double quotes",
    check=_check,
)
