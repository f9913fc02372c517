"""The judge of inference, judged: it finds what is missing, what must not be and what nobody expected."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from compatbuild.image.elf import ElfFacts
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Fact, ImageIdentity, Report, Skipped, Tool
from compatbuild.model.requirement import (
    AlternativesRequirement,
    AnyRequirement,
    ArchitectureRequirement,
    CpuRequirement,
    FacilityRequirement,
    ModuleRequirement,
)
from tests.builders.elf import elf
from tests.builders.views import image_view
from tests.ground_truth import built, images, sources, table
from tests.ground_truth.__main__ import main
from tests.ground_truth.cases import Case, Pattern, cases
from tests.ground_truth.judges import Tally, tallies
from tests.ground_truth.verdict import Verdict, covers, holds, judge

EVIDENCE = (Evidence(detector="test", path="/app", statement="It is there"),)
TUN = FacilityRequirement(facility=("TUN",), modules=("tun",))
NVIDIA, AMD = ModuleRequirement(module=("nvidia",)), ModuleRequirement(module=("amdgpu",))


def finding(identity: str, requirement: AnyRequirement | None, confidence: Confidence = Confidence.LIKELY) -> Finding:
    return Finding(id=identity, title="It", confidence=confidence, requirement=requirement, evidence=EVIDENCE)


def report(*findings: Finding, skipped: tuple[Skipped, ...] = (), **facts: Any) -> Report:
    return Report(
        tool=Tool(version="0", knowledge="2026-11-23"),
        image=ImageIdentity(source="test", reference="it", platform="linux/amd64"),
        facts={k.replace("_", "."): Fact(value=v, confidence=Confidence.LIKELY, findings=()) for k, v in facts.items()},
        findings=findings,
        skipped=skipped,
    )


def case(**fields: Any) -> Case:
    return Case.model_validate({"name": "it", "kind": "kernel", "how": "by hand"} | fields)


SAID = report(
    finding("kernel.tun", TUN),
    finding("kernel.kvm", FacilityRequirement(facility=("KVM",)), Confidence.HINT),
    finding("gpu.either", AlternativesRequirement(any=((NVIDIA,), (AMD,)))),
    finding("cpu.architecture", ArchitectureRequirement(architecture="amd64")),
    finding("cpu.flags", CpuRequirement(cpu=("AVX", "AVX2"))),
    cuda_sass=["75", "90a"],
    cuda_toolkit="12.9",
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"requires": {"facility": ["TUN"]}}, True),
        ({"requires": {"facility": ["TUN"], "modules": ["tun"]}}, True),
        ({"requires": {"facility": ["KVM"]}}, False),
        ({"hint": {"facility": ["KVM"]}}, True),
        ({"hint": {"facility": ["TUN"]}}, False),
        ({"requires": {"module": ["nvidia"]}}, False),
        ({"offers": {"module": ["nvidia"]}}, True),
        ({"offers": {"facility": ["TUN"]}}, False),
        ({"requires": {"cpu": "AVX"}}, True),
        ({"requires": {"cpu": ["AVX2", "AVX"]}}, True),
        ({"requires": {"cpu": ["AVX", "FMA3"]}}, False),
        ({"requires": {"cpu": "x86-64-v3"}}, False),
        ({"finding": "gpu.either"}, True),
        ({"finding": "gpu.neither"}, False),
        ({"fact": "cuda.sass"}, True),
        ({"fact": "cuda.sass", "equals": ["75", "90a"]}, True),
        ({"fact": "cuda.sass", "equals": ["75"]}, False),
        ({"fact": "cuda.sass", "includes": ["75"]}, True),
        ({"fact": "cuda.sass", "includes": ["76"]}, False),
        ({"fact": "cuda.toolkit", "above": "12.8"}, True),
        ({"fact": "cuda.toolkit", "above": "12.9"}, False),
        ({"fact": "mpi.family"}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], expected: object) -> None:
    assert holds(Pattern.model_validate(pattern), SAID) is expected


@pytest.mark.parametrize("pattern", [{}, {"equals": 1}, {"fact": "a", "finding": "b"}, {"requires": {}, "hint": {}}])
def test_a_pattern_is_of_one_kind(pattern: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pattern.model_validate(pattern)


def test_covering_is_by_value_and_by_inclusion() -> None:
    assert covers([["120", "8.8"]], [["90", "8.0"], ["120", "8.8"]])
    assert not covers([["120", "9.0"]], [["120", "8.8"]])
    assert not covers({"a": 1}, [])


def test_what_is_missing_and_what_must_not_be_fail_a_case() -> None:
    good = judge(case(must=[{"finding": "kernel.tun"}]), SAID)
    assert good.passed
    assert not judge(case(must=[{"finding": "kernel.other"}]), SAID).passed
    assert not judge(case(must_not=[{"finding": "kernel.tun"}]), SAID).passed


def test_in_a_closed_case_nothing_unexpected_may_be_required() -> None:
    expected = {"must": [{"requires": {"facility": ["TUN"]}}], "may": [{"offers": {"module": ["amdgpu"]}}]}
    flags = {"requires": {"cpu": ["AVX"]}}
    assert judge(case(**expected, closed=True), SAID).broken == ("requires id cpu.flags, cpu ['AVX', 'AVX2']",)
    assert judge(case(must=[*expected["must"], flags], may=expected["may"], closed=True), SAID).passed
    assert judge(case(**expected), SAID).surprises == ("id cpu.flags, cpu ['AVX', 'AVX2']",)


def test_in_a_plain_case_nothing_may_even_be_told() -> None:
    assert judge(case(plain=True), report(finding("kernel.kvm", None, Confidence.HINT))).broken == (
        "finding kernel.kvm",
    )
    assert judge(case(plain=True), report(finding("cpu.level", None), finding("libc.version", None))).passed


def test_a_detector_that_failed_fails_the_case() -> None:
    assert not judge(case(), report(skipped=(Skipped(what="detector mpi", why="KeyError"),))).passed


def test_the_scores() -> None:
    right = judge(
        case(must=[{"requires": {"facility": ["TUN"]}}, {"finding": "kernel.none"}]), report(finding("kernel.tun", TUN))
    )
    wrong = judge(case(), report(finding("kernel.tun", TUN)))
    results = [table.Result(case(), verdict) for verdict in (right, wrong)]
    results[0].case = case(must=[{"finding": "a"}, {"finding": "b"}])
    rows = [line.split() for line in table.scores(results).splitlines()]
    assert rows[1] == ["kernel", "2", "1", "0.50", "2", "1", "0.50"]


def test_the_table_tells_what_is_wrong() -> None:
    verdict = Verdict((), (Pattern(finding="a.b"),), ("finding c.d",), ("id e.f",), ())
    result = table.Result(
        case(must=[{"finding": "a.b"}]), verdict, tallies=[Tally("readelf", 3, ("/app: 1 against 2",))]
    )
    text = table.results([result, table.Result(case(), problem="no network")])
    for part in (
        "WRONG",
        "missing: finding a.b",
        "must not be: finding c.d",
        "unexpected: id e.f",
        "readelf 2/3",
        "/app: 1",
    ):
        assert part in text
    assert "not run: no network" in text


def test_the_cases_are_sound() -> None:
    every = list(cases())
    assert len(every) > 50
    assert len({one.name for one in every}) == len(every)
    for one in every:
        assert one.wheels or one.debs or one.built, one.name
        assert one.must or one.must_not or one.closed, one.name
        assert not one.built or one.built in built.RECIPES
        assert all(len(sha256) == 64 for sha256 in one.wheels.values())
        assert all("=" in pin for pin in one.debs)


def test_content_that_cannot_be_had_is_told_and_fails_the_run(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    absent = case(wheels={"no_such_package_of_ours-0.0.1-py3-none-any.whl": "0" * 64})
    monkeypatch.setattr(sources, "fetched", lambda filename, _: f"{filename} cannot be downloaded")
    monkeypatch.setattr("tests.ground_truth.__main__.cases", lambda: iter([absent]))
    assert main([]) == 1
    assert "cannot be downloaded" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf (binutils) is not installed")
def test_judges_notice_a_reader_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(elf(needed=["libc.so.6"], soname="it.so"))
    read = {"/app": ElfFacts(machine=62, bits=64, needed=("libc.so.6",), soname="it.so")}
    wrong = {"/app": ElfFacts(machine=62, bits=64, needed=("libm.so.6",), soname="it.so")}
    for facts, disagreements in ((read, 0), (wrong, 1)):
        image = images.Inferred(tmp_path, image_view(elves=facts), report())
        (readelf,) = [tally for tally in tallies(image) if tally.judge == "readelf"]
        assert (readelf.files, len(readelf.disagreements)) == (1, disagreements)
