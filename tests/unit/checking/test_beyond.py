"""What NFD cannot say: drivers, code for GPUs, MPI."""

from __future__ import annotations

from typing import Any

import pytest

from compatbuild.checking.beyond import Beyond
from compatbuild.checking.gpus import gpu
from compatbuild.checking.verdicts import Verdict
from compatbuild.hosts.host import Host
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Fact, ImageIdentity, Report, Tool
from compatbuild.model.requirement import DriverRequirement
from compatbuild.nfd.encodings import DRIVER_VERSION
from compatbuild.nfd.features import Features
from tests.unit.checking.building import LOADED, node, profile

YES, NO, OPEN, MAYBE = Verdict.COMPATIBLE, Verdict.INCOMPATIBLE, Verdict.UNKNOWN, Verdict.DEPENDS
PLAIN = node(Features(flags={LOADED: frozenset()}))
WITH_DRIVER = Features(flags={LOADED: frozenset({"nvidia"})})


def report(*drivers: DriverRequirement, **facts: Any) -> Report:
    findings = tuple(
        Finding(
            id=f"driver-{at}",
            title="a driver",
            confidence=Confidence.PROVEN,
            requirement=one,
            evidence=(Evidence(detector="test", path="/lib", statement="there"),),
        )
        for at, one in enumerate(drivers)
    )
    stated = {
        name.replace("_", "."): Fact(value=value, confidence=Confidence.PROVEN, findings=())
        for name, value in facts.items()
    }
    image = ImageIdentity(source="dir", reference="x", platform="linux/amd64")
    return Report(tool=Tool(version="1", knowledge="2026-11-23"), image=image, facts=stated, findings=findings)


@pytest.mark.parametrize(("host", "present", "always"), [
    (PLAIN, YES, NO), (profile(), MAYBE, MAYBE), (node(WITH_DRIVER), OPEN, OPEN),
    (node(WITH_DRIVER, drivers={"nvidia": "550.54.15"}), YES, YES),
    (node(WITH_DRIVER, drivers={"nvidia": "470.82"}), NO, NO),
    (node(Features(attributes={"local.label": {DRIVER_VERSION: "470.82"}})), NO, NO),
    (node(Features(), unknown=frozenset({LOADED})), OPEN, OPEN),
])  # fmt: skip
def test_driver(host: Host, present: Verdict, always: Verdict) -> None:
    for when, expected in (("present", present), ("always", always)):
        needed = DriverRequirement(driver=">=525.60.13", when=when)
        (found,) = Beyond.of(report(needed)).needs(host)
        assert (found.verdict, found.id) == (expected, "driver.nvidia")
        assert (found.remedy == "install a driver >=525.60.13") == (
            expected in {NO, MAYBE} or host.unknown != frozenset()
        )


def test_ranges_of_one_driver_are_one_need() -> None:
    asked = report(DriverRequirement(driver=">=525"), DriverRequirement(driver="<560"))
    (found,) = Beyond.of(asked).needs(node(WITH_DRIVER, drivers={"nvidia": "570.1"}))
    assert (found.wanted, found.verdict) == ("nvidia driver >=525,<560", NO)


@pytest.mark.parametrize(("name", "facts", "expected"), [
    ("h100", {"cuda_sass": ["80", "90a"]}, YES), ("l4", {"cuda_sass": ["80", "90a"]}, YES),
    ("h100", {"cuda_sass": ["80"]}, NO), ("h100", {"cuda_sass": ["80"], "cuda_ptx": [["80", "8.0"]]}, YES),
    ("t4", {"cuda_sass": ["80"]}, NO), ("h100", {"cuda_sass": ["100a"]}, NO), ("9.9", {"cuda_sass": ["90"]}, OPEN),
    ("mi300x", {"rocm_targets": ["gfx942"]}, YES), ("mi300x", {"rocm_targets": ["gfx90a"]}, NO),
    ("mi250", {"rocm_targets": ["gfx90a:xnack+"]}, MAYBE),
    ("mi300x", {"cuda_sass": ["90"], "gpu_vendors": ["nvidia"]}, NO), ("h100", {"gpu_vendors": ["nvidia"]}, OPEN),
    ("h100", {}, YES), ("h100", {"cuda_sass": "90", "cuda_ptx": [["90"], 5], "rocm_targets": [1]}, YES),
])  # fmt: skip
def test_coverage(name: str, facts: dict[str, Any], expected: Verdict) -> None:
    asked = Beyond.of(report(**facts))
    (found,) = asked.needs(PLAIN, [gpu(name)])
    assert found.verdict is expected
    assert asked.needs(PLAIN) == ()


def test_the_gpus_of_a_node_count_unless_others_are_named() -> None:
    asked = Beyond.of(report(cuda_sass=["80"]))
    has = node(PLAIN.features, gpus=("NVIDIA A100-SXM4-40GB", "unheard of"))
    assert [one.verdict for one in asked.needs(has)] == [YES]
    assert [one.id for one in asked.needs(has, [gpu("t4")])] == ["gpu.t4"]
    labels = {"nvidia.com/gpu.compute.major": "9", "nvidia.com/gpu.compute.minor": "0"}
    labelled = node(Features(attributes={"local.label": labels}), gpus=("unheard of",))
    assert [(one.verdict, one.wanted) for one in asked.needs(labelled)] == [(NO, "code for unheard of (9.0)")]


def test_without_a_report() -> None:
    (found,) = Beyond.of(None).needs(PLAIN, [gpu("h100")])
    assert found.verdict is OPEN
    assert Beyond.of(None).needs(PLAIN) == ()


def test_mpi_is_information() -> None:
    asked = Beyond.of(report(mpi_family="Open MPI", mpi_version="4.1"))
    assert asked.information == (
        "MPI of the image, to be met by the host's launcher: mpi.family: Open MPI; mpi.version: 4.1",
    )
    assert asked.needs(PLAIN) == ()


def test_a_running_node_without_modules_shows_that_it_has_no_driver() -> None:
    host = node(Features(attributes={"kernel.version": {"full": "6.1.0"}}), unknown=frozenset({LOADED}))
    for when, verdict in (("present", YES), ("always", NO)):
        asked = Beyond.of(report(DriverRequirement(driver=">=525.60.13", when=when)))
        assert [one.verdict for one in asked.needs(host)] == [verdict]
