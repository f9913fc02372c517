"""A document as a tree in which every alias and ``<<`` is written out and every key is text.

``compatbuild.nfd.tree`` parses; here the tree gets the shape that validation and the requirements document read. An
alias counts as often as it is used, so that a small document cannot grow large.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from compatbuild.nfd import tree
from compatbuild.nfd.scalars import resolve

MAX_DEPTH = 64
"""Levels of nesting, aliases expanded; a specification needs eleven."""

MAX_VALUES = 100_000
"""Scalars and collections, aliases expanded."""

_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as written. ``plain`` is true when it has neither quotes nor a tag, so that its type is guessed."""

    line: int
    column: int
    text: str
    plain: bool = True
    tag: str = ""

    @property
    def is_null(self) -> bool:
        """Tell whether NFD reads nothing here."""
        return self.plain and resolve(self.text) is None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    line: int
    column: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value; ``merged`` marks one that came in through ``<<``."""

    key: Scalar
    value: "Node"
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with every entry that was written, duplicates included, in order."""

    line: int
    column: int
    entries: tuple[Entry, ...]


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """The first document of a text; ``root`` is None when it is empty, ``second`` is where another one starts."""

    root: Node | None
    second: tree.Place | None = None


def read(text: bytes) -> Source:
    """Parse YAML; ``tree.MalformedError`` when it is not what NFD takes for YAML, or goes over a limit."""
    parsed = tree.parse(text)
    root = _Expansion().node(parsed) if parsed is not None else None
    empty = isinstance(root, Scalar) and root.is_null
    return Source(None if empty else root, _second_document(text))


def _second_document(text: bytes) -> tree.Place | None:
    """Return where a second document starts; NFD never reads it, so what is wrong with it does not matter."""
    seen = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            seen += isinstance(event, yaml.DocumentStartEvent)
            if seen == 2:
                mark: Any = event.start_mark  # always there; the stubs allow for events made by hand
                return tree.Place(mark.line + 1, mark.column + 1)
    except yaml.YAMLError:
        return None
    return None


class _Expansion:
    """Copies a tree with aliases and merges written out, counting what it writes."""

    def __init__(self) -> None:
        self._values = 0

    def node(self, node: tree.Node, depth: int = 1) -> Node:
        self._values += 1
        line, column = node.place.line, node.place.column
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            limit = f"deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"larger than {MAX_VALUES:,} values"
            raise _refused(node.place, f"with its aliases expanded, the document is {limit}", "simplify it")
        if isinstance(node, tree.ScalarNode):
            return Scalar(line, column, node.value, node.plain, node.tag)
        if isinstance(node, tree.SequenceNode):
            return Sequence(line, column, tuple(self.node(item, depth + 1) for item in node.items))
        entries = [Entry(self._key(key), self.node(value, depth + 1)) for key, value in node.pairs]
        return Mapping(line, column, tuple(_merged(entries)))

    def _key(self, node: tree.Node) -> Scalar:
        key = self.node(node)
        if not isinstance(key, Scalar):
            raise _refused(node.place, "a key must be text, not a list or a mapping", "quote the key")
        return key


def _merged(entries: list[Entry]) -> Iterator[Entry]:
    """Expand ``<<`` where it stands, as go-yaml does: keys above it are overwritten, those below overwrite it."""
    for entry in entries:
        if entry.key.plain and entry.key.text == _MERGE:
            yield from _inherited(entry.value)
        else:
            yield entry


def _inherited(node: Node) -> Iterator[Entry]:
    # The last of equal keys counts, and of merged mappings the first.
    for source in reversed(node.items) if isinstance(node, Sequence) else (node,):
        if not isinstance(source, Mapping):
            raise _refused(
                tree.Place(source.line, source.column), "<< merges mappings only", "name an anchored mapping"
            )
        yield from (replace(entry, merged=True) for entry in source.entries)


def _refused(place: tree.Place, why: str, remedy: str) -> tree.MalformedError:
    return tree.MalformedError(
        f"NFD cannot read line {place.line}, column {place.column}", place, why=why, remedy=remedy
    )
