"""What NFD holds after reading a specification: the types of ``spec.py`` without their strictness.

Everything may be missing, an expression may be null, an operator may be any word: what is lenient here is lenient in
NFD v0.19.0 (``api/image-compatibility/v1alpha1/spec.go``, ``api/nfd/v1alpha1/types.go``). The matcher works on these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from compatbuild.errors import SpecError
from compatbuild.nfd import spec as strict


@dataclass(frozen=True, slots=True)
class Expression:
    """One comparison."""

    op: str = ""
    value: tuple[str, ...] = ()
    type: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Expressions over one feature; a null expression makes NFD panic when it comes to it."""

    feature: str = ""
    match_expressions: Mapping[str, Expression | None] | None = None
    match_name: Expression | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of ``matchAny``."""

    match_features: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; without terms and branches it always matches."""

    name: str = ""
    vars: Mapping[str, str] = field(default_factory=dict)
    vars_template: str = ""
    match_features: tuple[Term, ...] = ()
    match_any: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Set:
    """One compatibility set."""

    rules: tuple[Rule, ...] = ()
    weight: int = 0
    tag: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole specification."""

    version: str = ""
    compatibilities: tuple[Set, ...] = ()


def relaxed(spec: strict.Spec) -> Spec:
    """Give a strict specification as NFD would hold it after reading it; comments are not part of it."""
    return Spec(version=spec.version, compatibilities=tuple(map(_set, spec.compatibilities)))


def strictly(spec: Spec) -> strict.Spec:
    """Give the strict form of what was decoded; raises SpecError when it holds something only NFD puts up with."""
    try:
        return strict.Spec.model_validate(_document(spec))
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(
            "The specification is not a valid one",
            why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="run compatbuild validate on it for all findings",
        ) from error


def _set(item: strict.Compatibility) -> Set:
    return Set(tuple(map(_rule, item.rules)), item.weight, item.tag, item.description)


def _rule(rule: strict.Rule) -> Rule:
    return Rule(
        name=rule.name,
        vars=rule.vars,
        vars_template=rule.varsTemplate,
        match_features=_terms(rule.matchFeatures),
        match_any=tuple(Branch(_terms(branch.matchFeatures)) for branch in rule.matchAny),
    )


def _terms(terms: tuple[strict.Term, ...]) -> tuple[Term, ...]:
    return tuple(map(_term, terms))


def _term(term: strict.Term) -> Term:
    expressions = term.matchExpressions
    return Term(
        feature=term.feature,
        match_expressions=None if expressions is None else {name: _expression(e) for name, e in expressions.items()},
        match_name=None if term.matchName is None else _expression(term.matchName),
    )


def _expression(expression: strict.Expression) -> Expression:
    return Expression(expression.op, expression.value, expression.type)


def _document(spec: Spec) -> dict[str, Any]:
    return {
        "version": spec.version,
        "compatibilities": [
            {
                "rules": [_rule_document(rule) for rule in item.rules],
                "weight": item.weight,
                "tag": item.tag,
                "description": item.description,
            }
            for item in spec.compatibilities
        ],
    }


def _rule_document(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "vars": dict(rule.vars),
        "varsTemplate": rule.vars_template,
        "matchFeatures": [_term_document(term) for term in rule.match_features],
        "matchAny": [{"matchFeatures": [_term_document(term) for term in b.match_features]} for b in rule.match_any],
    }


def _term_document(term: Term) -> dict[str, Any]:
    expressions = term.match_expressions
    return {
        "feature": term.feature,
        "matchExpressions": None if expressions is None else {n: _pair(e) for n, e in expressions.items()},
        "matchName": _pair(term.match_name),
    }


def _pair(expression: Expression | None) -> dict[str, Any] | None:
    return None if expression is None else {"op": expression.op, "value": expression.value, "type": expression.type}
