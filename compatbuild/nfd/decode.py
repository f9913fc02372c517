"""Reads a specification exactly as NFD does: YAML to Go values to JSON to NFD's types.

Sources: ``go.yaml.in/yaml/v2`` v2.4.3 ``decode.go``, ``sigs.k8s.io/yaml`` v1.6.0 ``yaml.go``, Go's ``encoding/json``.
What that means for authors: field names match in any case, unknown fields are dropped, the last of two equal keys
wins, a number or a boolean where a string is expected becomes its Go text, and only the first document counts.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from compatbuild.errors import SpecError
from compatbuild.nfd import scalars, tree
from compatbuild.nfd.wire import Branch, Expression, Rule, Set, Spec, Term

Value: TypeAlias = "scalars.Scalar | list[Value] | dict[str, Value]"
T = TypeVar("T")
Reader: TypeAlias = Callable[[Value, T, str], T]
"""Reads a value over an older one, as Go does when a field occurs twice; the text is the path to it."""


def decode(text: bytes | str) -> Spec:
    """Give what NFD holds after reading ``text``; an empty document is an empty specification.

    Raises SpecError for everything that NFD refuses to decode, and beyond the limits of ``compatbuild.nfd.tree``.
    """
    return decode_tree(tree.parse(text))


def decode_tree(root: tree.Node | None) -> Spec:
    """Give what NFD holds after reading a document that has been parsed already; errors as for ``decode``."""
    return _spec(None if root is None else _Values().of(root, 0), Spec(), "")


class _Values:
    """Turns nodes into Go's values; every alias is one more visit, and visits are bounded."""

    def __init__(self) -> None:
        self._visits = 0

    def of(self, node: tree.Node, depth: int) -> Value:
        self._visits += 1
        if self._visits > tree.MAX_NODES or depth > tree.MAX_DEPTH:
            raise _unreadable(node, "its aliases make the document too large", "write values out instead")
        match node:
            case tree.ScalarNode():
                return _resolved(node)
            case tree.SequenceNode():
                return [self.of(item, depth + 1) for item in node.items]
            case tree.MappingNode():
                return self._filled({}, node, depth)

    def _filled(self, into: dict[str, Value], node: tree.MappingNode, depth: int) -> dict[str, Value]:
        for key, value in node.pairs:
            if _is_merge(key):
                self._merge(into, value, depth + 1)
            else:
                into[_key(key)] = self.of(value, depth + 1)
        return into

    def _merge(self, into: dict[str, Value], node: tree.Node, depth: int) -> None:
        """Merge as go-yaml does: at this place, so that keys above are overwritten; the first of a list wins."""
        for item in reversed(node.items) if isinstance(node, tree.SequenceNode) else (node,):
            self._visits += 1
            if not isinstance(item, tree.MappingNode):
                raise _unreadable(item, "a merge takes a mapping or a list of mappings", "name the anchor of a mapping")
            if self._visits > tree.MAX_NODES or depth > tree.MAX_DEPTH:
                raise _unreadable(item, "its aliases make the document too large", "write values out instead")
            self._filled(into, item, depth)


def _is_merge(key: tree.Node) -> bool:
    return isinstance(key, tree.ScalarNode) and key.value == "<<" and (key.plain or key.tag == scalars.MERGE_TAG)


def _resolved(node: tree.ScalarNode) -> scalars.Scalar:
    if not node.plain and not node.tag:
        return node.value
    try:
        return scalars.resolve(node.value, node.tag)
    except scalars.ScalarError as error:
        raise _unreadable(node, str(error), "remove the tag, or quote the text") from error


def _key(node: tree.Node) -> str:
    if not isinstance(node, tree.ScalarNode):
        raise _unreadable(node, "a list or a mapping cannot be a key", "use text as the key")
    try:
        return scalars.as_key(_resolved(node))
    except scalars.ScalarError as error:
        raise _unreadable(node, str(error), "quote the key") from error


def _unreadable(node: tree.Node, why: str, remedy: str) -> SpecError:
    return SpecError(f"NFD cannot read line {node.place.line}, column {node.place.column}", why=why, remedy=remedy)


def _string(value: Value, old: str, path: str) -> str:
    if value is None:
        return old
    if isinstance(value, (list, dict)):
        raise _mismatch(value, "text", path)
    return scalars.as_string(value)


def _integer(value: Value, old: int, path: str) -> int:
    if value is None:
        return old
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    if not whole or not -(2**63) <= int(value) < 2**63:  # type: ignore[arg-type]  # whole numbers only, by then
        raise _mismatch(value, "a whole number", path)
    return int(value)  # type: ignore[arg-type]  # as above


def _sequence(item: Reader[T], zero: T) -> Reader[tuple[T, ...]]:
    def read(value: Value, old: tuple[T, ...], path: str) -> tuple[T, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _mismatch(value, "a list", path)
        olds = old + (zero,) * len(value)
        return tuple(item(entry, olds[at], f"{path}[{at}]") for at, entry in enumerate(value))

    return read


def _mapping(item: Reader[T], zero: T) -> Reader[Mapping[str, T]]:
    def read(value: Value, old: Mapping[str, T], path: str) -> Mapping[str, T]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _mismatch(value, "a mapping", path)
        return {**old, **{key: item(value[key], zero, f"{path}.{key}") for key in sorted(value)}}

    return read


def _optional(item: Reader[T], zero: T) -> Reader[T | None]:
    def read(value: Value, old: T | None, path: str) -> T | None:
        return None if value is None else item(value, zero if old is None else old, path)

    return read


def _structure(fields: Mapping[str, tuple[str, Reader[Any]]]) -> Reader[Any]:
    """Give the reader of a Go struct: ``fields`` maps names on the wire to attributes and their readers."""
    folded = {_fold(name): field for name, field in fields.items()}

    def read(value: Value, old: Any, path: str) -> Any:
        if value is None:
            return old
        if not isinstance(value, dict):
            raise _mismatch(value, "a mapping", path)
        for key in sorted(value):  # the order in which Go writes, and then reads, the keys of an object
            field = folded.get(_fold(key))
            at = f"{path}.{key}" if path else key
            if field is None:
                _ignored(value[key], at)
            else:
                attribute, reader = field
                old = replace(old, **{attribute: reader(value[key], getattr(old, attribute), at)})
        return old

    return read


def _fold(key: str) -> str:
    """Fold case as ``encoding/json`` does: besides A to Z, two foreign letters fold to ASCII ones."""
    return key.replace("\u017f", "s").replace("\u212a", "k").lower()


def _ignored(value: Value, path: str) -> None:
    """Look through a value that NFD drops: JSON cannot hold infinities, not even there."""
    if isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"NFD cannot read {path}", why="JSON has no infinity and no NaN", remedy="quote the value")
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for entry in entries:
        _ignored(entry, path)


def _mismatch(value: Value, wanted: str, path: str) -> SpecError:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return SpecError(
        f"NFD cannot read {path or 'the document'}",
        why=f"it is {names[type(value)]} where {wanted} is expected",
        remedy=f"make it {wanted}",
    )


_expression = _structure({"op": ("op", _string), "value": ("value", _sequence(_string, "")), "type": ("type", _string)})
_maybe_expression: Reader[Expression | None] = _optional(_expression, Expression())
_expressions: Reader[Mapping[str, Expression | None]] = _mapping(_maybe_expression, None)
_term = _structure(
    {
        "feature": ("feature", _string),
        "matchExpressions": ("match_expressions", _optional(_expressions, {})),
        "matchName": ("match_name", _maybe_expression),
    }
)
_terms: Reader[tuple[Term, ...]] = _sequence(_term, Term())
_branch = _structure({"matchFeatures": ("match_features", _terms)})
_rule = _structure(
    {
        "name": ("name", _string),
        "vars": ("vars", _mapping(_string, "")),
        "varsTemplate": ("vars_template", _string),
        "matchFeatures": ("match_features", _terms),
        "matchAny": ("match_any", _sequence(_branch, Branch())),
    }
)
_set = _structure(
    {
        "rules": ("rules", _sequence(_rule, Rule())),
        "weight": ("weight", _integer),
        "tag": ("tag", _string),
        "description": ("description", _string),
    }
)
_spec: Reader[Spec] = _structure(
    {"version": ("version", _string), "compatibilities": ("compatibilities", _sequence(_set, Set()))}
)
