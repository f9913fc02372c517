r"""YAML documents as trees of nodes with their places, before anything is resolved.

A tree is built from the events of PyYAML's parser, so nothing here can run code or loop. What NFD's parser refuses and
PyYAML's does not is refused too: YAML 1.2 directives, escaped surrogates, the escape ``\/``, a plain ``?`` in brackets.
The first document counts, as it does for NFD; what follows it is never read. One thing is refused that NFD reads, as
nobody means it: ``{value:}``, which is the field ``value:`` to NFD.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from compatbuild.errors import SpecError

MAX_BYTES = 1 << 20  # a specification of a thousand rules is a tenth of this
MAX_NODES = 100_000
MAX_DEPTH = 100  # the deepest path of a specification has eleven levels

_BOM = "\ufeff"
_INNER_BOM = re.compile(f"[\n\r\x85\u2028\u2029]{_BOM}")
_ESCAPED_SLASH = re.compile(r'"(?:[^"\\]|\\[^/])*\\/')
_Loader: type[yaml.Loader] | type[yaml.CLoader] = getattr(yaml, "CLoader", yaml.Loader)
"""libyaml's parser where PyYAML has it: go-yaml is a port of that one, and it is faster."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node begins: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar. ``plain`` when its kind is found by looking at it; ``tag`` is the long form, or empty."""

    place: Place
    value: str
    tag: str
    plain: bool


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A sequence of nodes."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping: pairs of key and value in the order of the text, duplicates and merge keys included."""

    place: Place
    pairs: tuple[tuple["Node", "Node"], ...]


class MalformedError(SpecError):
    """The text is not YAML as NFD reads it, or larger than any specification; ``place`` is where that shows."""

    def __init__(self, what: str, place: Place, *, why: str, remedy: str) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.place = place


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode
"""Any node. An alias is the very node it stands for, so a tree is a graph; it has no cycles."""


def parse(text: bytes | str) -> Node | None:
    """Give the tree of the first document of ``text``, or None when there is none.

    Raises MalformedError when the text is not YAML as NFD understands it, or is larger, deeper or richer in nodes than
    a specification ever is (``MAX_BYTES``, ``MAX_DEPTH``, ``MAX_NODES``).
    """
    if len(text) > MAX_BYTES:
        raise MalformedError(
            "The specification is too large",
            Place(1, 1),
            why=f"it has {len(text):,} bytes, {MAX_BYTES:,} are allowed",
            remedy="split it, or check that this is the right file",
        )
    try:
        return _Composer(_characters(text)).document()
    except (yaml.YAMLError, ValueError) as error:  # PyYAML's own scanner fails on \U00110000 with a ValueError
        raise _not_yaml(error) from error


def _characters(text: bytes | str) -> str:
    """Give the text behind the byte order mark, which tells UTF-16 from UTF-8; ValueError when it is neither."""
    if isinstance(text, bytes):
        utf16 = text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = text.decode("utf-16" if utf16 else "utf-8")
    text.encode()  # a lone surrogate is not text
    text = text.removeprefix(_BOM)
    if _INNER_BOM.search(text):
        raise ValueError("a line other than the first begins with a byte order mark, which NFD takes for text")
    return text


def _not_yaml(error: Exception) -> SpecError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    what = f"The specification is not YAML{where}"
    return MalformedError(what, place, why=str(problem), remedy="correct the text there")


class _Composer:
    """Builds the tree of one document from the parser's events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, Node | None] = {}  # None while the anchored node is being built
        self._nodes = 0

    def document(self) -> Node | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if event.version not in (None, (1, 1)):
                    raise _refused(event, "NFD reads YAML 1.1 only", "leave out the %YAML line")
                root = self._node(next(self._events), 0, in_flow=False)
                next(self._events)  # the end of the document, which the parser may refuse
                return root
        return None

    def _node(self, event: yaml.Event, depth: int, *, in_flow: bool) -> Node:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            limit = f"more than {MAX_NODES:,} nodes" if depth <= MAX_DEPTH else f"deeper than {MAX_DEPTH} levels"
            raise _refused(event, f"the document has {limit}", "simplify it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        scalar = self._scalar(event, in_flow=in_flow) if isinstance(event, yaml.ScalarEvent) else None
        node = scalar or self._collection(event, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise _refused(event, f"nothing is anchored as {event.anchor!r}", "define the anchor above its use")
        node = self._anchors[event.anchor]
        if node is None:
            raise _refused(event, f"the value of anchor {event.anchor!r} contains itself", "write it out")
        return node

    def _collection(self, start: yaml.Event, depth: int) -> Node:
        items: list[Node] = []
        in_flow = bool(getattr(start, "flow_style", False))
        while not isinstance(event := next(self._events), (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            items.append(self._node(event, depth + 1, in_flow=in_flow))
        if isinstance(start, yaml.SequenceStartEvent):
            return SequenceNode(_place(start), tuple(items))
        return MappingNode(_place(start), tuple(zip(items[::2], items[1::2], strict=True)))

    def _scalar(self, event: yaml.ScalarEvent, *, in_flow: bool) -> ScalarNode:
        if any("\ud800" <= character <= "\udfff" for character in event.value):
            raise _refused(event, "a surrogate is escaped in a string", r"write the character itself, or as \UXXXXXXXX")
        at = event.start_mark.index if event.start_mark else 0
        if event.style == '"' and _ESCAPED_SLASH.match(self._text, at):
            raise _refused(event, r"YAML 1.1 has no escape \/", "write the slash alone")
        plain = event.implicit[0]
        if in_flow and plain and not event.style and "?" in event.value:
            raise _refused(event, "a question mark ends plain text in brackets", "quote the text")
        return ScalarNode(_place(event), event.value, "" if plain or event.tag is None else event.tag, plain)


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _refused(event: yaml.Event, why: str, remedy: str) -> MalformedError:
    place = _place(event)
    return MalformedError(f"NFD cannot read line {place.line}, column {place.column}", place, why=why, remedy=remedy)
