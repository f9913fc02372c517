"""The matcher answers as NFD v0.19.0 does; the expected verdicts are those of the conformance corpus' format."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.peers import peer

pytestmark = pytest.mark.peer

FEATURES = {"attributes": {"kernel.version": {"elements": {"full": "6.8.0-45-generic", "major": "6"}}}}


def rule(feature: str, element: str, expression: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"name": "r", "matchFeatures": [{"feature": feature, "matchExpressions": {element: expression}}], **more}


def answer(**case: Any) -> dict[str, Any]:
    line = json.dumps({"id": "case", "features": FEATURES, **case})
    done = subprocess.run([peer("nfdmatch")], input=line, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    (given,) = (json.loads(text) for text in done.stdout.splitlines())
    assert given.pop("id") == "case"
    return dict(given)


def of_rules(*sets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": "v1alpha1",
        "compatibilities": [{"rules": rules, "tag": f"t{at}"} for at, rules in enumerate(sets)],
    }


MATCH = rule("kernel.version", "major", {"op": "Ge", "value": ["6"]})
MISS = rule("kernel.version", "major", {"op": "Lt", "value": ["6"]})


def test_each_rule_of_each_set_has_a_verdict() -> None:
    given = answer(spec=of_rules([MATCH, MISS], [MATCH]))
    assert given == {"stage": "", "error": "", "sets": [[True, False], [True]], "any": True, "vars": {}}


def test_a_set_needs_all_of_its_rules() -> None:
    assert answer(spec=of_rules([MATCH, MISS]))["any"] is False


def test_variables_reach_the_rules_of_later_sets() -> None:
    reader = rule("rule.matched", "seen", {"op": "In", "value": ["yes"]})
    given = answer(spec=of_rules([reader, {**MATCH, "vars": {"seen": "yes"}}], [reader]))
    assert given["sets"] == [[False, True], [True]]
    assert given["vars"] == {"seen": "yes"}


def test_sets_of_other_tags_are_skipped() -> None:
    given = answer(spec=of_rules([{**MATCH, "vars": {"a": "1"}}], [MISS]), tags=["t1"])
    assert given == {"stage": "", "error": "", "sets": [[False]], "any": False, "vars": {}}


def test_yaml_is_read_as_nfd_reads_it() -> None:
    """An unquoted y is a boolean to NFD: compared as the text "true"."""
    text = (
        'compatibilities: [{rules: [{matchFeatures: [{feature: "kernel.config",'
        ' matchExpressions: {"VFIO": {op: "In", value: [y]}}}]}]}]\n'
    )
    features = {"attributes": {"kernel.config": {"elements": {"VFIO": "y"}}}}
    assert answer(spec_yaml=text, features=features)["sets"] == [[False]]
    assert answer(spec_yaml=text.replace("[y]", '["y"]'), features=features)["sets"] == [[True]]


@pytest.mark.parametrize(
    ("case", "stage", "error"),
    [
        ({"spec_yaml": "\tversion: v1alpha1"}, "parse", "found character that cannot start any token"),
        (
            {"spec": of_rules([MATCH, rule("kernel.version", "full", {"op": "Ge", "value": ["5"]})])},
            "evaluate",
            'not a number "6.8.0-45-generic"',
        ),
        ({"spec": of_rules([rule("kernel.version", "full", None)])}, "panic", "nil pointer dereference"),
    ],
)
def test_a_case_that_fails_says_where_and_why(case: dict[str, Any], stage: str, error: str) -> None:
    given = answer(**case)
    assert error in given.pop("error")
    assert given == {"stage": stage, "sets": None, "any": False, "vars": None}


def test_input_that_is_no_case_ends_the_program() -> None:
    done = subprocess.run([peer("nfdmatch")], input="{", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unexpected EOF" in done.stderr
