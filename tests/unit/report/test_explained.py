"""What `infer --explain` says of each finding."""

import yaml

from compatbuild import api
from compatbuild.model.finding import Confidence
from compatbuild.report.console import to_text
from compatbuild.report.explained import LEFT_OUT, NOTHING, WHY, explained
from tests.unit.cli.conftest import Cli, cli, elsewhere, image

__all__ = ["cli", "elsewhere", "image"]  # the fixtures


def test_every_finding_and_all_evidence_are_told(image: str) -> None:
    report = api.infer(image)
    told = " ".join(to_text(explained(report, api.expressions), width=1000).split())
    assert report.findings
    for finding in report.findings:
        assert f"{finding.title} {finding.id}" in told
        assert finding.docs in told
        for evidence in finding.evidence:
            assert f"{evidence.statement} {evidence.path}" in told
            assert evidence.layer in told


def test_what_a_finding_becomes_is_what_the_specification_says(image: str) -> None:
    report = api.infer(image)
    (level,) = (one for one in report.findings if one.id == "cpu.level")
    assert level.requirement is not None
    (term,) = yaml.safe_load(api.expressions([level.requirement]))["matchFeatures"]
    (rule,) = yaml.safe_load(api.refine(report, template="default").spec)["compatibilities"][0]["rules"]
    asked = {
        name for one in rule["matchFeatures"] if one["feature"] == term["feature"] for name in one["matchExpressions"]
    }
    assert set(term["matchExpressions"]) <= asked


def test_a_hint_becomes_nothing(image: str) -> None:
    report = api.infer(image)
    hints = tuple(one.model_copy(update={"confidence": Confidence.HINT}) for one in report.findings if one.requirement)
    told = to_text(explained(report.model_copy(update={"findings": hints}), api.expressions), width=200)
    assert told.count(LEFT_OUT) == len(hints) == told.count(WHY[Confidence.HINT])
    assert "matchFeatures" not in told
    assert NOTHING not in told


def test_explaining_is_about_one_image(cli: Cli, image: str) -> None:
    assert "cpu.level" in cli("infer", image, "--explain").out
    assert cli("infer", image, "--explain", "--platform", "all").code == 2
