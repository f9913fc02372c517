"""On random features and specifications our decoder and matcher say what NFD says."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Evaluation, Outcome
from tests.builders.verdicts import nfd_verdicts

CASES = 600
NAMES = ("a", "b", "major")
VALUES = ("", "5", "10", "007", "+3", "5.14.0", "5.14.0-1.el9_4", "v1.2", "true", "false", "y", "-4", "1_0", "é", "^5")
PATTERNS = ("^5", "[0-9]+", "(", "\\C", "é|y", "(?i)TRUE", "a{1001}", "\\bel9")
OPERATORS = (
    "In",
    "NotIn",
    "InRegexp",
    "Exists",
    "DoesNotExist",
    "Gt",
    "Ge",
    "Lt",
    "Le",
    "GtLt",
    "GeLe",
    "IsTrue",
    "",
    "in",
)
FEATURES = ("d.f", "D.F", "d.flag", "d.both", "d.devices", "d.null", "d.missing", "rule.matched")


def random_features(random: Random) -> dict[str, Any]:
    def values() -> dict[str, str]:
        return {name: random.choice(VALUES) for name in NAMES if random.random() < 0.6}

    flags: dict[str, Any] = {name: {} for name in NAMES if random.random() < 0.5}
    return {
        "flags": {"d.flag": {"elements": flags}, "d.both": {"elements": {"a": {}}}},
        "attributes": {
            "d.f": {"elements": values()},
            "d.both": {"elements": values()},
            "d.null": {"elements": None},
        },
        "instances": {"d.devices": {"elements": [{"attributes": values()} for _ in range(random.randint(0, 3))]}},
    }


def random_spec(random: Random) -> dict[str, Any]:
    sets = [{"rules": [_rule(random) for _ in range(random.randint(1, 3))]} for _ in range(random.randint(1, 2))]
    return {"version": "v1alpha1", "compatibilities": sets}


def _rule(random: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "name": "r",
        "vars": {name: random.choice(VALUES) for name in NAMES if random.random() < 0.3},
    }
    if random.random() < 0.8:
        rule["matchFeatures"] = _terms(random)
    if random.random() < 0.4:
        rule["matchAny"] = [{"matchFeatures": _terms(random)} for _ in range(random.randint(1, 3))]
    return rule


def _terms(random: Random) -> list[dict[str, Any]]:
    return [_term(random) for _ in range(random.randint(1, 3))]


def _term(random: Random) -> dict[str, Any]:
    term: dict[str, Any] = {"feature": random.choice(FEATURES)}
    if random.random() < 0.8:
        names = [name for name in NAMES if random.random() < 0.5]
        term["matchExpressions"] = {name: _expression(random) for name in names}
    if random.random() < 0.3:
        term["matchName"] = _expression(random)
    return term


def _expression(random: Random) -> dict[str, Any]:
    op = random.choice(OPERATORS)
    plain = {"Exists": 0, "DoesNotExist": 0, "IsTrue": 0, "": 0, "GtLt": 2, "GeLe": 2}.get(op, 1)
    count = plain if random.random() < 0.9 else random.randint(0, 3)
    texts = PATTERNS if op == "InRegexp" else (*VALUES, *NAMES)
    expression: dict[str, Any] = {"op": op, "value": [random.choice(texts) for _ in range(count)]}
    return expression | ({"type": random.choice(["version", "version", "other"])} if random.random() < 0.3 else {})


def verdict(evaluation: Evaluation) -> tuple[str, list[list[bool]] | None]:
    """Give the stage in which NFD would end, and its verdict on each rule."""
    rules = [[rule.outcome for rule in item.rules] for item in evaluation.sets]
    if any(outcome == Outcome.ERROR for outcomes in rules for outcome in outcomes):
        return "evaluate", None
    return "", [[outcome == Outcome.TRUE for outcome in outcomes] for outcomes in rules]


@pytest.mark.peer
def test_nfd_agrees_on_random_specifications() -> None:
    random = Random(20261123)  # the same cases on every run
    documents = [(random_features(random), random_spec(random)) for _ in range(CASES)]
    cases = [(json.dumps(spec, ensure_ascii=False).encode(), features) for features, spec in documents]
    stages = set()
    for (text, features), answer in zip(cases, nfd_verdicts(cases), strict=True):
        ours = evaluate(decode(text), Features.from_document(features))
        assert verdict(ours) == (answer["stage"], answer["sets"]), text.decode()
        if not answer["stage"]:
            assert dict(ours.variables) == (answer["vars"] or {})
        stages.add((answer["stage"], answer["any"]))
    assert stages == {("", True), ("", False), ("evaluate", False)}


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_rows_explain_rules(random: Random) -> None:
    """Whatever a rule came to, its rows hold every expression it has, once."""
    spec, features = decode(json.dumps(random_spec(random))), Features.from_document(random_features(random))
    for item, result in zip(spec.compatibilities, evaluate(spec, features).sets, strict=True):
        for rule, judged in zip(item.rules, result.rules, strict=True):
            terms = [*rule.match_features, *(term for branch in rule.match_any for term in branch.match_features)]
            count = sum(len(term.match_expressions or {}) + (term.match_name is not None) for term in terms)
            assert len(judged.rows) == count
            assert all((row.outcome == Outcome.ERROR) == (row.fault is not None) for row in judged.rows)
            assert not judged.faults or {row.fault for row in judged.rows} >= set(judged.faults)
