"""Every detector runs on its own; what fails is told, and the order of things never shows."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from compatbuild.detectors import Detector, discover
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView, ImageView
from compatbuild.inference import engine, reachability
from compatbuild.knowledge import Knowledge, load
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import ImageIdentity, Report
from compatbuild.report.documents import report_bytes
from tests.builders.views import deb, elf, image_view

Detect = Callable[[DetectorView, Knowledge], Iterator[Finding]]
IDENTITY = ImageIdentity(source="dir", reference="/x", platform="linux/amd64")
APP = image_view(
    elves={
        "/usr/bin/app": elf("libcudart.so.12", "libmpi.so.12"),
        "/usr/lib/libcudart.so.12": elf(soname="libcudart.so.12"),
        "/usr/lib/libmpi.so.12": elf(soname="libmpi.so.12"),
    },
    packages=(deb("libcudart12"), deb("dpdk")),
    env={"NVIDIA_REQUIRE_CUDA": "cuda>=12.0"},
    os_release={"ID": "debian", "VERSION_ID": "12"},
    entrypoint=("/usr/bin/app",),
)


def detector(name: str, detect: Detect, **interests: Any) -> Detector:
    return Detector(name, name, Interests(**interests), detect)


def infer(*detectors: Detector, view: ImageView = APP) -> Report:
    return engine.infer(view, IDENTITY, detectors, load())


def a_finding(name: str, **fields: Any) -> Finding:
    evidence = Evidence(detector="d", path="/x", statement="It is there")
    return Finding(id=name, title=name, confidence=Confidence.LIKELY, evidence=(evidence,), **fields)


def good(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield a_finding("good", facts={"os.id": "debian"})


def crashes(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield a_finding("half")
    raise KeyError("a table has no such row")


def recurses(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield from recurses(view, knowledge)


def yields_something_else(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield cast("Finding", "a text")


def asks_for_packages(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield from (a_finding(package.name) for package in view.packages())


def asks_for_files(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    yield from (a_finding("file") for _ in view.files("/etc/*"))


@pytest.mark.parametrize(
    ("detect", "why"),
    [
        (crashes, "KeyError: 'a table has no such row'"),
        (recurses, "RecursionError"),
        (yields_something_else, "AttributeError"),
    ],
)
def test_a_detector_that_crashes_is_told_and_ends_nothing(detect: Detect, why: str) -> None:
    report = infer(detector("bad", detect), detector("good", good))
    assert [finding.id for finding in report.findings] == ["good"]  # nothing by halves
    (skipped,) = report.skipped
    assert skipped.what == "detector bad"
    assert skipped.why.startswith(why)


@pytest.mark.parametrize(
    ("detect", "why"),
    [(asks_for_packages, "asked for packages without"), (asks_for_files, "asked for files /etc/* without")],
)
def test_a_detector_that_asks_for_more_than_it_declared_is_told(detect: Detect, why: str) -> None:
    (skipped,) = infer(detector("nosy", detect)).skipped
    assert why in skipped.why


def test_a_detector_that_declared_it_may_ask() -> None:
    report = infer(detector("packages", asks_for_packages, packages=True))
    assert [finding.id for finding in report.findings] == ["dpdk", "libcudart12"]
    assert report.skipped == ()


def test_a_long_reason_is_cut() -> None:
    def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
        yield from ()
        raise ValueError("x" * 10_000)

    assert len(infer(detector("bad", detect)).skipped[0].why) <= 500


def test_an_interrupt_is_no_crash() -> None:
    def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
        yield from ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infer(detector("slow", detect))


def test_a_finding_without_a_page_gets_its_detector_s() -> None:
    def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
        yield a_finding("first")
        yield a_finding("second", docs="elsewhere.md")

    pages = {finding.id: finding.docs for finding in infer(detector("mine", detect)).findings}
    assert pages == {"first": "detectors/mine.md", "second": "elsewhere.md"}


def test_the_report_says_what_made_it_and_what_is_unknown() -> None:
    view = replace(image_view(), skipped=(("layer 2", "it is not distributed"),), limits=("9 files left out",))
    report = infer(detector("good", good), view=view)
    assert report.image == IDENTITY
    assert report.tool.knowledge == load().as_of
    assert report.facts["os.id"].value == "debian"
    assert [(one.what, one.why) for one in report.skipped] == [("layer 2", "it is not distributed")]
    assert report.limits == ("9 files left out",)


def test_findings_that_disagree_are_told() -> None:
    def other(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
        yield a_finding("other", facts={"os.id": "alpine"})

    (limit,) = infer(detector("good", good), detector("other", other)).limits
    assert "findings disagree about os.id: alpine (other), debian (good)" in limit


def test_the_real_detectors_find_what_is_there() -> None:
    report = engine.infer(APP, IDENTITY, discover(), load())
    assert report.skipped == ()
    facts = {name: fact.value for name, fact in report.facts.items()}
    assert (facts["cuda.major"], facts["mpi.family"], facts["os.id"]) == (12, "MPICH", "debian")
    assert report.facts["cuda.driver.min"].confidence is Confidence.PROVEN  # reached from the entrypoint


@pytest.mark.parametrize("seed", range(5))
def test_neither_the_order_of_detectors_nor_of_files_shows(seed: int) -> None:
    shuffle = random.Random(seed).sample
    detectors = discover()
    expected = report_bytes(engine.infer(APP, IDENTITY, detectors, load()))
    view = image_view(
        elves=dict(shuffle(sorted(APP.elves.items()), len(APP.elves))),
        packages=shuffle(APP.packages, len(APP.packages)),
        os_release=APP.os_release,
        config=APP.config,
    )
    again = engine.infer(view, IDENTITY, shuffle(detectors, len(detectors)), load())
    assert report_bytes(again) == expected


def test_all_that_anybody_declared_is_kept() -> None:
    glob = FileInterest("/etc/app.conf")
    union = engine.interests([detector("a", good, files=(glob,)), detector("b", good, packages=True)])
    assert glob in union.files
    assert union.packages
    assert set(reachability.INTERESTS.files) <= set(union.files)
    assert union.elf  # for reachability
