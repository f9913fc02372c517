"""The status document that ``nfd compat validate-node --output-json`` prints, byte for byte.

Source: node-feature-discovery v0.19.0 ``pkg/client-nfd/compat/node-validator/{node-validator,status}.go`` and Go's
``encoding/json``. Its oddities are kept: a term whose feature is not in lower case has only false rows, and so has a
``matchName`` that NFD did not look at because the expressions before it failed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compatbuild.errors import SpecError
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome, Row, RuleResult, TermResult
from compatbuild.nfd.wire import Expression, Rule, Set, Spec, Term

_GO_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_QUOTED = {'"': '\\"', "\\": "\\\\"} | dict(zip("\a\b\f\n\r\t\v", ("\\" + c for c in "abfnrtv"), strict=True))


def status_document(spec: Spec, features: Features, *, tags: Sequence[str] = ()) -> str:
    """Return NFD's document for a specification on a host, without a final newline, as NFD prints it.

    SpecError where NFD prints an error instead, and for templates of variables, which are not evaluated here.
    """
    sets = [item for item in spec.compatibilities if not tags or item.tag in tags]
    results = evaluate(spec, features, tags=tags).sets
    for result in results:
        for rule in result.rules:
            _require_verdict(rule)
    document = [
        _set(item, [_rule(rule, done, features) for rule, done in zip(item.rules, result.rules, strict=True)])
        for item, result in zip(sets, results, strict=True)
    ]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)


def _require_verdict(rule: RuleResult) -> None:
    if rule.outcome is Outcome.ERROR:
        reasons = [rule.reason, *(row.reason for row in rule.rows if row.fault)]
        raise SpecError(
            f"NFD ends with an error at the rule {rule.name!r}",
            why=next(filter(None, reasons), ", ".join(rule.faults)),
            remedy="mend the specification; without --nfd-compat every other rule is told all the same",
        )
    if rule.outcome is Outcome.UNSUPPORTED:
        raise SpecError(
            f"The rule {rule.name!r} cannot be told as NFD would",
            why=rule.reason,
            remedy="ask NFD itself, or leave the template out",
        )


def _set(item: Set, rules: list[dict[str, Any]]) -> dict[str, Any]:
    named = {"description": item.description, "weight": item.weight, "tag": item.tag}
    return {"rules": rules or None, **{name: value for name, value in named.items() if value}}


def _rule(rule: Rule, result: RuleResult, features: Features) -> dict[str, Any]:
    told: dict[str, Any] = {"name": rule.name, "isMatch": result.outcome is Outcome.TRUE}
    if rows := _rows(rule.match_features, result.terms, features):
        told["matchedExpressions"] = rows
    if rule.match_any:
        told["matchedAny"] = [
            {"matchedExpressions": _rows(branch.match_features, done.terms, features) or None}
            for branch, done in zip(rule.match_any, result.branches, strict=True)
        ]
    return told


@dataclass(frozen=True, slots=True)
class _Matched:
    """What NFD remembers of a term: its feature in lower case, and which of its parts were true."""

    feature: str
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    name: Expression | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    feature: str
    name: str
    asked: Expression | None
    matcher: str
    true: bool

    def place(self) -> tuple[bytes, bytes, bytes]:
        """Return what NFD sorts rows by; Go compares text by its bytes."""
        return self.feature.encode(), self.name.encode(), _go_text(self.asked).encode()

    def document(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "name": self.name,
            "expression": _expression(self.asked),
            "matcherType": self.matcher,
            "isMatch": self.true,
        }


def _rows(terms: Sequence[Term], results: Sequence[TermResult], features: Features) -> list[dict[str, Any]]:
    matched = list(_matched(terms, results, features))
    rows: list[_Row] = []
    for term in terms:
        about = [one for one in matched if one.feature == term.feature]
        for name, asked in (term.match_expressions or {}).items():
            true = any(_same(asked, one.expressions.get(name)) for one in about)
            rows.append(_Row(term.feature, name, asked, "matchExpression", true))
        if term.match_name is not None:
            true = any(_same(term.match_name, one.name) for one in about)
            rows.append(_Row(term.feature, "", term.match_name, "matchName", true))
    return [row.document() for row in sorted(rows, key=_Row.place)]


def _matched(terms: Sequence[Term], results: Sequence[TermResult], features: Features) -> Iterator[_Matched]:
    looking = True  # NFD's flag is not reset by a term that has a matchName only
    for term, result in zip(terms, results, strict=True):
        if not result.published:
            continue
        if term.match_expressions is not None:
            looking = result.outcome is Outcome.TRUE  # with a matchName too, both were true
        elif term.match_name is not None:
            looking = looking and result.outcome is Outcome.TRUE
        feature = term.feature.lower()
        true = {row.name for row in result.rows if row.name and _seen_true(row, feature, features)}
        given = (term.match_expressions or {}).items()
        expressions = {name: one for name, one in given if one is not None and name in true}
        yield _Matched(feature, expressions, term.match_name if looking else None)


def _seen_true(row: Row, feature: str, features: Features) -> bool:
    """Tell whether NFD lists an expression as true: absence from the flags counts even if an attribute has it."""
    flags = features.flags.get(feature)
    absent_flag = row.op == "DoesNotExist" and flags is not None and row.name not in flags
    return row.outcome is Outcome.TRUE or absent_flag


def _same(asked: Expression | None, other: Expression | None) -> bool:
    return asked is not None and other is not None and (asked.op, asked.value) == (other.op, other.value)


def _expression(asked: Expression | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    rest = {"value": list(asked.value), "type": asked.type}
    return {"op": asked.op, **{name: value for name, value in rest.items() if value}}


def _go_text(expression: Expression | None) -> str:
    """Return the text by which NFD sorts expressions: Go's ``%q`` of operator and values."""
    if expression is None:
        return ""
    if not expression.value:
        return f"{{op: {_quoted(expression.op)}}}"
    return f"{{op: {_quoted(expression.op)}, value: [{' '.join(map(_quoted, expression.value))}]}}"


def _quoted(text: str) -> str:
    return '"' + "".join(_QUOTED.get(char) or _printable(char) for char in text) + '"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
