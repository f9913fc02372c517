"""What holds of every detector that ships."""

import dataclasses
import importlib
import json
import pkgutil
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import compatbuild.detectors
from compatbuild.detectors import Detector, discover
from compatbuild.image.interests import Interests
from compatbuild.image.view import ImageView, UndeclaredInterestError
from compatbuild.inference.resolve import combine
from compatbuild.inference.rules import compile_set
from compatbuild.knowledge import Knowledge, load
from compatbuild.knowledge.rows import Grade, Row
from compatbuild.knowledge.subjects import SUBJECTS
from compatbuild.model.facts import FACTS
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.nfd.catalogue import catalogue
from tests.builders.images_of_everything import everything, images
from tests.builders.views import findings, image_view
from tests.detectors import facts_page

ROOT = Path(__file__).parents[2]
SHIPPED = [module.name for module in pkgutil.iter_modules(compatbuild.detectors.__path__) if module.name[0] != "_"]
DETECTORS = [importlib.import_module(f"compatbuild.detectors.{name}").DETECTOR for name in SHIPPED]
every = pytest.mark.parametrize("detector", DETECTORS, ids=SHIPPED)

OWN_WORDS = {"cpu.architecture", "kernel.dkms-config", "kernel.dkms-version", "kernel.release", "nvidia.require-driver"}
"""Findings that rest on the image's own words, not on anything we had to know; so do those about its labels."""

IMPOSSIBLE = {"cuda.no-glibc"}
"""Findings that no host can help: required, and nothing that a specification could ask for."""


def own_words(finding: Finding) -> bool:
    return finding.id in OWN_WORDS or finding.id.startswith("label.")


def all_findings(detector: Detector, knowledge: Knowledge | None = None) -> list[Finding]:
    return [finding for view in images() for finding in findings(detector, view, knowledge)]


def graded(knowledge: Knowledge, grade: Grade) -> Knowledge:
    """Return the same knowledge, all of it of one grade."""
    return dataclasses.replace(knowledge, **{name: _subject(getattr(knowledge, name), grade) for name in SUBJECTS})


def _subject(subject: Any, grade: Grade) -> Any:
    tables: dict[str, Mapping[Any, Row[Any]]] = {f.name: getattr(subject, f.name) for f in dataclasses.fields(subject)}
    return dataclasses.replace(
        subject,
        **{
            name: {key: dataclasses.replace(row, grade=grade) for key, row in table.items()}
            for name, table in tables.items()
        },
    )


def test_discovery_finds_each_module_once() -> None:
    assert [detector.id for detector in discover()] == sorted(SHIPPED)


@every
def test_the_id_is_the_name_of_the_file(detector: Detector) -> None:
    assert detector.id in SHIPPED
    assert importlib.import_module(f"compatbuild.detectors.{detector.id}").DETECTOR is detector


@every
def test_every_detector_speaks_in_some_image(detector: Detector) -> None:
    assert all_findings(detector)


@every
def test_facts_are_declared_and_known(detector: Detector) -> None:
    assert set(detector.facts) <= FACTS.keys()
    stated = {name for finding in all_findings(detector) for name in finding.facts}
    assert stated == set(detector.facts)


@every
def test_features_are_declared_and_in_the_catalogue(detector: Detector) -> None:
    assert all(catalogue().feature(name) for name in detector.features)
    used = {feature for finding in all_findings(detector) for feature in _features(finding)}
    assert used == set(detector.features)


def _features(finding: Finding) -> Iterator[str]:
    """Yield the NFD features that a finding's requirement is written with."""
    if finding.requirement is not None:
        for rule in compile_set([finding.requirement], name="test").compatibility.rules:
            terms = [*rule.matchFeatures, *(term for branch in rule.matchAny for term in branch.matchFeatures)]
            yield from (term.feature for term in terms)


@every
def test_a_page_tells_of_every_finding_and_fact(detector: Detector) -> None:
    text = (ROOT / "docs" / detector.docs).read_text("utf-8")
    assert text.startswith(f"# {detector.id}\n")
    for heading in ("## What it looks at", "## What it concludes", "## What it does not conclude", "## Example"):
        assert heading in text
    named_by_the_image = ("nvidia.require-", "label.")
    ids = {f.id for f in all_findings(detector) if not f.id.startswith(named_by_the_image)}
    missing = {identity for identity in ids if f"`{identity}`" not in text}
    assert not missing
    assert not [name for name in detector.facts if f"`{name}`" not in text]


@every
def test_a_test_module_exists(detector: Detector) -> None:
    assert (ROOT / "tests" / "detectors" / f"test_{detector.id}.py").is_file()


@every
def test_nothing_is_asked_for_that_is_not_declared(detector: Detector) -> None:
    bare = dataclasses.replace(detector, interests=Interests())
    asked = detector.interests
    with_env_only = not any((asked.elf, asked.files, asked.packages, asked.config))
    if with_env_only:
        assert findings(bare, everything()) == []
    else:
        with pytest.raises(UndeclaredInterestError):
            findings(bare, everything())
    assert all_findings(detector)  # and with what it declared, nothing is refused


@every
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_image_does_not_matter(detector: Detector, seed: int) -> None:
    for view in images():
        assert combine(findings(detector, _shuffled(view, seed))) == combine(findings(detector, view))


def _shuffled(view: ImageView, seed: int) -> ImageView:
    source = random.Random(seed)

    def mixed(table: Mapping[Any, Any]) -> dict[Any, Any]:
        return dict(source.sample(list(table.items()), len(table)))

    return dataclasses.replace(
        view,
        nodes=mixed(view.nodes),
        elves=mixed(view.elves),
        files=mixed(view.files),
        reached=mixed(view.reached),
        packages=tuple(source.sample(view.packages, len(view.packages))),
        config=dataclasses.replace(view.config, env=tuple(source.sample(view.config.env, len(view.config.env)))),
    )


@every
def test_findings_are_sound(detector: Detector) -> None:
    for finding in all_findings(detector):
        assert finding.title
        assert len(finding.title) <= 300
        assert "\n" not in finding.title
        assert all(evidence.detector == detector.id for evidence in finding.evidence)
        json.dumps(finding.facts)
        enters = finding.requirement is not None and finding.confidence is not Confidence.HINT
        assert (finding.severity is Severity.REQUIRED) is (enters or finding.id in IMPOSSIBLE), finding.id


@every
def test_an_empty_image_has_nothing_to_say(detector: Detector) -> None:
    assert findings(detector, image_view(architecture="")) == []


@every
def test_what_is_only_believed_never_leads_beyond_a_hint(detector: Detector) -> None:
    for finding in all_findings(detector, graded(load(), Grade.BELIEVED)):
        if finding.requirement is not None and not own_words(finding):
            assert finding.confidence is Confidence.HINT, finding.id


@every
def test_what_others_copied_never_proves_anything(detector: Detector) -> None:
    for finding in all_findings(detector, graded(load(), Grade.SECONDARY)):
        if finding.requirement is not None and not own_words(finding):
            assert finding.confidence is not Confidence.PROVEN, finding.id


def test_the_page_of_facts_is_up_to_date() -> None:
    assert (ROOT / "docs" / "facts.md").read_text("utf-8") == facts_page.page()
