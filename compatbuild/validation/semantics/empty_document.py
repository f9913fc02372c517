"""A document with nothing in it: NFD calls every host compatible."""

from collections.abc import Iterator

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline, find, place
from compatbuild.validation.source import Mapping, Scalar, Sequence

_PATH = "/compatibilities"


def _check(outline: Outline) -> Iterator[Problem]:
    root = outline.source.root
    if root is None:
        yield Problem(Place(1, 1, ""), "the document is empty, and NFD calls every host compatible with it")
    elif isinstance(root, Mapping):
        entry = find(root, "compatibilities")
        if entry is None:
            at = Place(root.line, root.column, _PATH)
            yield Problem(at, "there is no `compatibilities`, and NFD calls every host compatible")
        elif _is_empty(entry.value):
            yield Problem(place(entry.value, _PATH), "`compatibilities` is empty, and NFD calls every host compatible")


def _is_empty(node: object) -> bool:
    return (isinstance(node, Sequence) and not node.items) or (isinstance(node, Scalar) and node.is_null)


RULE = Rule(
    id="empty-document",
    title="A document without requirements",
    severity=Severity.ERROR,
    remedy="add a set under `compatibilities`, or attach no specification",
    check=_check,
)
