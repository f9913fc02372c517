"""A key that stands twice in one mapping: NFD keeps the last and drops what was under the others."""

from collections.abc import Iterator

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.source import Mapping, Node, Sequence
from compatbuild.validation.spelling import pointer
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    if outline.source.root is not None:
        yield from _below(outline.source.root, "")


def _below(node: Node, path: str) -> Iterator[Problem]:
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _below(item, pointer(path, index))
    elif isinstance(node, Mapping):
        lines: dict[str, int] = {}
        for entry in node.entries:
            key, here = entry.key, pointer(path, entry.key.text)
            if key.text in lines and not entry.merged:
                message = f"{shown(key.text)} stands here and in line {lines[key.text]}: NFD keeps the last only"
                yield Problem(Place(key.line, key.column, here), message)
            if not entry.merged:  # a merge exists to be overridden
                lines[key.text] = key.line
            yield from _below(entry.value, here)


RULE = Rule(
    id="duplicate-key",
    title="A key that stands twice",
    severity=Severity.ERROR,
    remedy="merge the two, or make them two terms",
    check=_check,
)
