"""The parts of a specification that semantic rules ask about, each with its place.

The outline is lenient: what has the wrong shape is left out, because the schema reports it. Texts are what the author
wrote; what NFD makes of an unquoted one is a matter of its own (``semantics/unquoted_scalar.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from compatbuild.validation.issue import Place
from compatbuild.validation.source import Entry, Mapping, Node, Scalar, Sequence, Source
from compatbuild.validation.spelling import pointer


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar where the format has text; ``key`` is true for the name of an element."""

    place: Place
    scalar: Scalar
    key: bool = False

    @property
    def text(self) -> str:
        """Return the text as written."""
        return self.scalar.text


@dataclass(frozen=True)
class Expression:
    """One expression; ``element`` is None under ``matchName``, ``values`` None when they are no list of scalars."""

    place: Place
    node: Mapping
    feature: str  # lower-cased, as NFD looks it up
    element: Text | None
    op: Text | None
    values: tuple[Text, ...] | None
    value_place: Place
    type: Text | None

    @property
    def operator(self) -> str:
        """Return the operator's name, or nothing."""
        return self.op.text if self.op else ""

    @property
    def is_version(self) -> bool:
        """Tell whether NFD would compare semantic versions."""
        return self.type is not None and self.type.text == "version"

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the values as written."""
        return tuple(value.text for value in self.values or ())


@dataclass(frozen=True)
class Term:
    """Expressions over one feature; ``by_name`` is ``matchName``."""

    place: Place
    node: Mapping
    feature: Text | None
    expressions: tuple[Expression, ...]
    by_name: Expression | None

    @property
    def all_expressions(self) -> tuple[Expression, ...]:
        """Return every expression, that of ``matchName`` last."""
        return (*self.expressions, *((self.by_name,) if self.by_name else ()))


@dataclass(frozen=True)
class Branch:
    """One alternative of ``matchAny``."""

    place: Place
    node: Mapping
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class RuleOutline:
    """One rule; ``template`` is where ``varsTemplate`` stands."""

    place: Place
    node: Mapping
    terms: tuple[Term, ...]
    branches: tuple[Branch, ...]
    variables: frozenset[str]
    template: Place | None

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """Return the terms of ``matchFeatures``, then those of each branch."""
        return (*self.terms, *(term for branch in self.branches for term in branch.terms))


@dataclass(frozen=True)
class SetOutline:
    """One set."""

    place: Place
    rules: tuple[RuleOutline, ...]
    weight: Text | None


@dataclass(frozen=True)
class Outline:
    """A whole specification."""

    source: Source

    @cached_property
    def sets(self) -> tuple[SetOutline, ...]:
        """Return the sets, in order."""
        return tuple(_set(*part) for part in _mappings(_field(self.source.root, "", "compatibilities")))

    @property
    def rules(self) -> Iterator[RuleOutline]:
        """Yield every rule of every set."""
        return (rule for part in self.sets for rule in part.rules)

    @property
    def terms(self) -> Iterator[Term]:
        """Yield every term of every rule."""
        return (term for rule in self.rules for term in rule.all_terms)

    @property
    def expressions(self) -> Iterator[Expression]:
        """Yield every expression of every term."""
        return (expression for term in self.terms for expression in term.all_expressions)


def place(node: Node, path: str) -> Place:
    """Return where a node stands."""
    return Place(node.line, node.column, path)


def find(node: Node | None, key: str) -> Entry | None:
    """Return a mapping's entry; the last one, as NFD takes it, when the key is there twice."""
    if not isinstance(node, Mapping):
        return None
    return next((entry for entry in reversed(node.entries) if entry.key.text == key), None)


_Located = tuple[Node, str]


def _field(node: Node | None, path: str, key: str) -> _Located | None:
    entry = find(node, key)
    return (entry.value, pointer(path, key)) if entry else None


def _items(located: _Located | None) -> Iterator[_Located]:
    if located is not None and isinstance(located[0], Sequence):
        yield from ((item, pointer(located[1], index)) for index, item in enumerate(located[0].items))


def _mappings(located: _Located | None) -> Iterator[tuple[Mapping, str]]:
    yield from ((item, path) for item, path in _items(located) if isinstance(item, Mapping))


def _entries(located: _Located | None) -> Iterator[tuple[Scalar, Node, str]]:
    if located is not None and isinstance(located[0], Mapping):
        for entry in {entry.key.text: entry for entry in located[0].entries}.values():
            yield entry.key, entry.value, pointer(located[1], entry.key.text)


def _text(located: _Located | None) -> Text | None:
    if located is None or not isinstance(located[0], Scalar) or located[0].is_null:
        return None
    return Text(place(*located), located[0])


def _set(node: Node, path: str) -> SetOutline:
    rules = tuple(_rule(*part) for part in _mappings(_field(node, path, "rules")))
    return SetOutline(place(node, path), rules, _text(_field(node, path, "weight")))


def _rule(node: Mapping, path: str) -> RuleOutline:
    template = _field(node, path, "varsTemplate")
    branches = _mappings(_field(node, path, "matchAny"))
    return RuleOutline(
        place(node, path),
        node,
        _terms(node, path),
        tuple(Branch(place(branch, below), branch, _terms(branch, below)) for branch, below in branches),
        frozenset(key.text for key, _, _ in _entries(_field(node, path, "vars"))),
        place(*template) if template else None,
    )


def _terms(node: Node, path: str) -> tuple[Term, ...]:
    return tuple(_term(*part) for part in _mappings(_field(node, path, "matchFeatures")))


def _term(node: Mapping, path: str) -> Term:
    feature = _text(_field(node, path, "feature"))
    name = feature.text.lower() if feature else ""
    expressions = tuple(
        _expression(value, below, name, Text(place(key, below), key, key=True))
        for key, value, below in _entries(_field(node, path, "matchExpressions"))
        if isinstance(value, Mapping)
    )
    by_name = _field(node, path, "matchName")
    named = None
    if by_name is not None and isinstance(by_name[0], Mapping):
        named = _expression(by_name[0], by_name[1], name, None)
    return Term(place(node, path), node, feature, expressions, named)


def _expression(node: Mapping, path: str, feature: str, element: Text | None) -> Expression:
    value = _field(node, path, "value")
    at = element.place if element else place(node, path)
    return Expression(
        at,
        node,
        feature,
        element,
        _text(_field(node, path, "op")),
        _values(value),
        place(*value) if value else Place(at.line, at.column, pointer(path, "value")),
        _text(_field(node, path, "type")),
    )


def _values(located: _Located | None) -> tuple[Text, ...] | None:
    if located is None:
        return ()
    values = tuple(_text(part) for part in _items(located))
    kept = tuple(value for value in values if value is not None)
    return kept if isinstance(located[0], Sequence) and len(kept) == len(values) else None
