"""What is exported, judged by those it is for: the scheduler's own matcher, NFD's master, and the schemas of NFD."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import jsonschema
import pytest
import yaml

from compatbuild.checking.loading import Loaded
from compatbuild.checking.verdicts import Subject
from compatbuild.exporting.affinity import Affinity, affinity
from compatbuild.exporting.export import Wish, export
from compatbuild.exporting.groups import label, set_label
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome
from compatbuild.nfd.wire import Spec
from compatbuild.validation.validate import validate
from tests.builders import clusters
from tests.builders.nfd_labels import labels
from tests.peers import peer
from tests.peers.nfdsource import strict_schemas

pytestmark = pytest.mark.peer

SPECIFICATIONS, NODES = 250, 6


@dataclass(frozen=True, eq=False)
class Case:
    """A specification, some nodes, and which sets hold on each by our matcher."""

    text: bytes
    spec: Spec
    nodes: tuple[Features, ...]
    sets: tuple[tuple[bool, ...], ...]

    @property
    def holds(self) -> list[bool]:
        return [any(one) for one in self.sets]

    @cache  # noqa: B019 - cases live as long as the module
    def exported(self, form: str) -> str:
        loaded = Loaded(Subject("app.yaml", "spec"), self.spec, text=self.text)
        return export(loaded, form, Wish(name="app")).content.decode()

    @cache  # noqa: B019
    def affinity(self) -> Affinity:
        return affinity(self.spec)


@cache
def cases(seed: int, terms: Callable[[Random], dict[str, Any]] | None = None) -> tuple[Case, ...]:
    random = Random(seed)
    drawn = [
        (clusters.specification(random, terms), tuple(clusters.node(random) for _ in range(NODES)))
        for _ in range(SPECIFICATIONS)
    ]
    return tuple(_case(text, nodes) for text, nodes in drawn)


def _case(text: bytes, nodes: tuple[Features, ...]) -> Case:
    spec = decode(text)
    verdicts = (evaluate(spec, one).sets for one in nodes)
    return Case(text, spec, nodes, tuple(tuple(each.outcome is Outcome.TRUE for each in one) for one in verdicts))


def ask(program: str, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    given = "\n".join(json.dumps({"id": str(at), **one}) for at, one in enumerate(questions)).encode()
    done = subprocess.run([peer(program)], input=given, capture_output=True, check=True, timeout=200)
    return [json.loads(line) for line in done.stdout.splitlines()]


def scheduled(drawn: Sequence[Case], others: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Ask the scheduler about nodes with NFD's labels, and those that ``others`` put there where NFD puts none."""
    questions = [
        {
            "kind": "affinity",
            "manifest": case.exported("affinity"),
            "nodes": [{**(others or {}), **labels(one)} for one in case.nodes],
        }
        for case in drawn
    ]
    return ask("nodeaffinity", questions)


def test_the_specifications_are_worth_something() -> None:
    """They are valid, hold on some nodes and not on others, and some are required of some nodes."""
    drawn = cases(1)
    assert [one for case in drawn[:60] for one in validate(case.text, "x") if one.severity.value == "error"] == []
    held = [one for case in drawn for one in case.holds]
    assert 0.1 < sum(held) / len(held) < 0.9
    required = [case.affinity().required for case in drawn]
    assert sum(one is not None for one in required) > SPECIFICATIONS / 4


@pytest.mark.parametrize("others", [{}, {"example.com/site": "north", "nvidia.com/gpu.compute.major": "5"}])
def test_an_affinity_is_never_stricter_than_the_specification(others: dict[str, str]) -> None:
    """Others label nodes too: GPU feature discovery can do so without a feature file."""
    drawn = cases(1)
    for case, answer in zip(drawn, scheduled(drawn, others), strict=True):
        assert answer["error"] == "", case.text
        for held, matched, node in zip(case.holds, answer["required"], case.nodes, strict=True):
            assert matched or not held, (case.text, case.exported("affinity"), labels(node))


def test_an_affinity_that_lost_nothing_is_the_specification() -> None:
    drawn = [case for case in cases(2, clusters.exact) if not case.affinity().lost]
    assert len(drawn) > SPECIFICATIONS / 2
    refused = 0
    for case, answer in zip(drawn, scheduled(drawn), strict=True):
        assert answer["error"] == "", case.text
        refused += answer["required"].count(False)
        assert answer["required"] == case.holds, (case.text, case.exported("affinity"))
        weights = [one.weight for one in case.spec.compatibilities]
        if len(weights) > 1:
            wanted = [sum(w for w, held in zip(weights, one, strict=True) if held) for one in case.sets]
            assert answer["score"] == wanted, (case.text, case.exported("affinity"))
    assert refused > SPECIFICATIONS


def test_a_set_that_holds_always_has_its_weight() -> None:
    """Of what labels say in part, the score may be too good and is never too bad."""
    drawn = [
        case for case in cases(1) if not any("preferred" in one or "counts once" in one for one in case.affinity().lost)
    ]
    assert len(drawn) > SPECIFICATIONS / 10
    for case, answer in zip(drawn, scheduled(drawn), strict=True):
        weights = [one.weight for one in case.spec.compatibilities]
        for held, score in zip(case.sets, answer["score"], strict=True):
            assert len(weights) == 1 or score >= sum(w for w, one in zip(weights, held, strict=True) if one), case.text


@pytest.mark.parametrize("seed", [1, 2])
def test_nfd_s_master_puts_the_same_nodes_in_the_group(seed: int) -> None:
    drawn = cases(seed, clusters.exact if seed == 2 else None)[:120]
    questions = [
        {"object_yaml": case.exported("nodefeaturegroup"), "features": one.document()}
        for case in drawn
        for one in case.nodes
    ]
    answers = ask("nfdmatch", questions)
    assert [one["stage"] for one in answers] == [""] * len(questions)
    assert [one["member"] for one in answers] == [held for case in drawn for held in case.holds]


def test_nfd_s_master_labels_the_same_nodes() -> None:
    drawn = cases(1)[:120]
    questions = [
        {"object_yaml": case.exported("nodefeaturerule"), "features": one.document()}
        for case in drawn
        for one in case.nodes
    ]
    answers = iter(ask("nfdmatch", questions))
    for case in drawn:
        for held in case.sets:
            own = {set_label("app", at) for at, one in enumerate(held, 1) if one and len(held) > 1}
            wanted = own | ({label("app")} if any(held) else set())
            assert set(next(answers).get("labels", {})) == wanted, case.text


@pytest.mark.parametrize("form", ["nodefeaturegroup", "nodefeaturerule"])
def test_nfd_s_schemas_take_every_object_field_by_field(form: str) -> None:
    kind = {"nodefeaturegroup": "NodeFeatureGroup", "nodefeaturerule": "NodeFeatureRule"}[form]
    validator = jsonschema.Draft202012Validator(strict_schemas()[kind])
    for case in cases(1)[:80]:
        validator.validate(yaml.safe_load(case.exported(form)))


def test_the_schemas_would_refuse_a_misspelt_key_and_an_unknown_operator() -> None:
    """The API server prunes the one by default, which leaves a rule without conditions."""
    validator = jsonschema.Draft202012Validator(strict_schemas()["NodeFeatureGroup"])
    good = yaml.safe_load(cases(1)[0].exported("nodefeaturegroup"))
    assert validator.is_valid(good)
    text = json.dumps(good)
    for one, other in (("matchFeatures", "match_features"), ('"op": "', '"op": "X'), ("featureGroupRules", "rules")):
        assert not validator.is_valid(json.loads(text.replace(one, other)))


def test_the_scheduler_s_matcher_would_refuse_a_fraction_and_a_misspelt_key() -> None:
    """So an empty error of it means something."""
    check = '{"key": "a", "operator": "Gt", "values": ["4.18"]}'
    terms = f'{{"nodeSelectorTerms": [{{"matchExpressions": [{check}]}}]}}'
    fraction = f'{{"affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {terms}}}}}}}'
    misspelt = '{"affinity": {"nodeAffinities": {}}}'
    answers = ask(
        "nodeaffinity", [{"kind": "affinity", "manifest": one, "nodes": [{}]} for one in (fraction, misspelt)]
    )
    assert "must be an integer" in answers[0]["error"]
    assert "unknown field" in answers[1]["error"]


@pytest.mark.parametrize("wish", [Wish(), Wish(name="j", namespace="ns", node="worker-1.example", nfd_image="x/y:z")])
def test_kubernetes_reads_the_job(wish: Wish) -> None:
    digest = f"sha256:{'a' * 64}"
    loaded = Loaded(Subject("registry.example/team/app:1.2", "reference", digest), decode(b"{}"))
    (answer,) = ask(
        "nodeaffinity", [{"kind": "job", "manifest": export(loaded, "job", wish).content.decode(), "nodes": []}]
    )
    assert answer["error"] == ""
    (container,) = answer["pod"]["containers"]
    assert container["command"][-2] == f"registry.example/team/app@{digest}"
    assert answer["pod"].get("nodeName", "") == wish.node
    volumes = {one["name"] for one in answer["pod"]["volumes"]}
    assert {one["name"] for one in container["volumeMounts"]} == volumes
