"""Merging findings into facts and requirements."""

from typing import Any

from compatbuild.inference.resolve import combine, requirements, resolve
from compatbuild.model.finding import Evidence, Finding


def finding(name: str, confidence: str = "likely", path: str = "/x", **more: Any) -> Finding:
    evidence = [Evidence(detector="d", path=path, statement="s")]
    return Finding.model_validate({"id": name, "title": "t", "confidence": confidence, "evidence": evidence, **more})


def test_equal_findings_join_their_evidence() -> None:
    joined = combine(
        [finding("a", path="/2"), finding("a", path="/1"), finding("a", path="/1"), finding("b", "proven")]
    )
    assert [f.id for f in joined] == ["b", "a"]
    assert [e.path for e in joined[1].evidence] == ["/1", "/2"]


def test_the_strictest_minimum_wins_by_number_not_by_text() -> None:
    found = resolve(
        [
            finding("a", facts={"cuda.driver.min": "525.60.13", "cuda.major": 9}),
            finding("b", facts={"cuda.driver.min": "1000.1", "cuda.major": 12}),
        ]
    )
    assert found.facts["cuda.driver.min"].value == "1000.1"
    assert found.facts["cuda.major"].value == 12
    assert found.facts["cuda.major"].findings == ("a", "b")


def test_lists_are_joined_in_numeric_order() -> None:
    found = resolve(
        [finding("a", facts={"cuda.sass": ["100", "75"]}), finding("b", facts={"cuda.sass": ["75", "90a"]})]
    )
    assert found.facts["cuda.sass"].value == ["75", "90a", "100"]
    found = resolve([finding("a", facts={"fabric.ucx": ["psm3", "efa", "tcp"]})])
    assert found.facts["fabric.ucx"].value == ["efa", "psm3", "tcp"]


def test_a_disagreement_among_equals_is_told_and_the_surest_wins() -> None:
    found = resolve(
        [
            finding("a", "hint", facts={"mpi.family": "Open MPI"}),
            finding("b", facts={"mpi.family": "MPICH"}),
        ]
    )
    assert found.facts["mpi.family"].value == "MPICH"
    assert not found.conflicts
    found = resolve([finding("a", facts={"mpi.family": "Open MPI"}), finding("b", facts={"mpi.family": "MPICH"})])
    assert "disagree about mpi.family" in found.conflicts[0]


def test_hints_do_not_raise_what_is_surely_known() -> None:
    found = resolve(
        [
            finding("a", facts={"cuda.driver.min": "525.60.13", "cuda.sass": ["75"]}),
            finding("b", "hint", facts={"cuda.driver.min": "580.65.06", "cuda.sass": ["100"], "fabric.ucx": ["ib"]}),
        ]
    )
    assert found.facts["cuda.driver.min"].value == "525.60.13"
    assert found.facts["cuda.sass"].value == ["75"]
    assert found.facts["cuda.sass"].findings == ("a",)
    assert found.facts["fabric.ucx"].value == ["ib"]


def test_facts_of_a_third_party_are_kept() -> None:
    assert resolve([finding("a", facts={"acme.thing": 1})]).facts["acme.thing"].value == 1


def test_requirements_leave_hints_out_and_name_each_by_its_finding() -> None:
    found = requirements(
        [
            finding("cpu.level", requirement={"cpu": "x86-64-v2"}),
            finding("cpu.level", "proven", path="/y", requirement={"cpu": "x86-64-v2"}),
            finding("io.uring", "hint", requirement={"facility": ["IO_URING"]}),
            finding("kernel.a", requirement={"kernel": ">=5.10", "comment": "tested"}),
            finding("driver.a", requirement={"id": "own", "driver": ">=525.60.13"}),
        ]
    )
    assert [(r.id, r.comment) for r in found] == [
        ("cpu.level", "t (/y)"),
        ("kernel.a", "tested"),
        ("own", "t (/x)"),
    ]
