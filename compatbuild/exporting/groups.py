"""A specification as a NodeFeatureGroup or a NodeFeatureRule: exactly what it asks, one rule a set.

Source: node-feature-discovery v0.19.0 ``deployment/base/nfd-crds/nfd-api-crds.yaml``; nfd-master takes a node into a
group when any rule matches, which is what sets mean, and rules of one set must all match.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from compatbuild.errors import SpecError
from compatbuild.exporting.labels import NAMESPACE
from compatbuild.nfd.matcher import MATCHED
from compatbuild.nfd.wire import Branch, Expression, Rule, Set, Spec, Term

API_VERSION = "nfd.k8s-sigs.io/v1alpha1"
MAX_BRANCHES = 256  # of a rule that stands for the several rules of a set
UNREAD = "variables of rules are left out: nothing reads them"


def group_rules(spec: Spec) -> list[dict[str, Any]]:
    """Return one rule a set, as ``featureGroupRules`` and ``rules`` have them.

    SpecError when rules rest on variables, which nfd-master keeps otherwise than the client, and when the rules of a
    set have too many alternatives to be one rule.
    """
    if any(term.feature.lower() == MATCHED for rule in _rules(spec) for term in _terms(rule)):
        raise SpecError(
            "the specification rests on variables of its rules",
            why=f"it asks for {MATCHED}, which nfd-master and NFD's client do not keep alike",
            remedy="repeat the earlier rule's terms where they are meant",
        )
    return [_rule(item, f"set-{at}") for at, item in enumerate(spec.compatibilities, 1)]


def remarks(spec: Spec) -> tuple[str, ...]:
    """Return what is said of the rules: sets that became one, and what is left out."""
    several = [str(at) for at, item in enumerate(spec.compatibilities, 1) if len(item.rules) > 1]
    told = [f"the rules of set {', '.join(several)} are one rule here, as all of them must match"] if several else []
    return (*told, *([UNREAD] if any(rule.vars or rule.vars_template for rule in _rules(spec)) else []))


def node_feature_group(spec: Spec, name: str, namespace: str = "") -> dict[str, Any]:
    """Return the group of all nodes that meet the specification."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": API_VERSION,
        "kind": "NodeFeatureGroup",
        "metadata": metadata,
        "spec": {"featureGroupRules": group_rules(spec)},
    }


def node_feature_rule(spec: Spec, name: str) -> dict[str, Any]:
    """Return the rule that labels all nodes that meet the specification; of several sets each has its label too."""
    rules = []
    for at, rule in enumerate(group_rules(spec), 1):
        own = {set_label(name, at): "true"} if len(spec.compatibilities) > 1 else {}
        rules.append({"name": rule["name"], "labels": {label(name): "true", **own}, **rule})
    return {
        "apiVersion": API_VERSION,
        "kind": "NodeFeatureRule",
        "metadata": {"name": name},
        "spec": {"rules": rules},
    }


def label(name: str) -> str:
    """Return the label of a node that meets any set."""
    return f"{NAMESPACE}/{name}.compatible"


def set_label(name: str, number: int) -> str:
    """Return the label of a node that meets one set, numbered from 1."""
    return f"{NAMESPACE}/{name}.set-{number}"


def _rules(spec: Spec) -> Iterator[Rule]:
    return (rule for item in spec.compatibilities for rule in item.rules)


def _terms(rule: Rule) -> Iterator[Term]:
    yield from rule.match_features
    yield from (term for branch in rule.match_any for term in branch.match_features)


def _rule(item: Set, name: str) -> dict[str, Any]:
    only = item.rules[0].name if len(item.rules) == 1 else ""
    told: dict[str, Any] = {"name": only or item.tag or name}
    terms = [_term(term) for rule in item.rules for term in rule.match_features]
    branches = _branches([rule.match_any for rule in item.rules if rule.match_any], told["name"])
    if terms:
        told["matchFeatures"] = terms
    if branches:
        told["matchAny"] = branches
    return told


def _branches(choices: list[tuple[Branch, ...]], name: str) -> list[dict[str, Any]]:
    """Multiply the alternatives of several rules out, as a rule has one list of them."""
    if prod(map(len, choices)) > MAX_BRANCHES:
        raise SpecError(
            f"the rules of {name!r} cannot be one rule",
            why=f"their alternatives come to {prod(map(len, choices)):,}, at most {MAX_BRANCHES} are written",
            remedy="write the set with fewer alternatives",
        )
    combined = product(*choices) if choices else ()
    return [{"matchFeatures": [_term(term) for branch in each for term in branch.match_features]} for each in combined]


def _term(term: Term) -> dict[str, Any]:
    told: dict[str, Any] = {"feature": term.feature}
    if term.match_expressions is not None:
        given: Mapping[str, Expression | None] = term.match_expressions
        told["matchExpressions"] = {name: _expression(given[name]) for name in sorted(given)}
    if term.match_name is not None:
        told["matchName"] = _expression(term.match_name)
    return told


def _expression(asked: Expression | None) -> dict[str, Any]:
    one = asked or Expression()
    told: dict[str, Any] = {"op": one.op}
    if one.value:
        told["value"] = list(one.value)
    if one.type:
        told["type"] = one.type
    return told
