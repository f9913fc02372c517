"""Compiler flags in the history and in variables."""

from typing import Any

import pytest

from compatbuild.detectors.build_flags import DETECTOR
from compatbuild.model.finding import Confidence, Finding
from tests.builders.views import findings, image_view

SECRET = "hunter2"


def one(step: str) -> Finding:
    (finding,) = findings(DETECTOR, image_view(history=("ADD rootfs", step)))
    return finding


def asked(finding: Finding) -> Any:
    return finding.requirement.model_dump(exclude_defaults=True)["cpu"] if finding.requirement else None


@pytest.mark.parametrize(
    ("flag", "cpu"),
    [
        ("-march=x86-64-v3", "x86-64-v3"),
        ("-march=haswell", "x86-64-v3"),
        ("-march=skylake-avx512", "x86-64-v4"),
        ("-march=icelake-server", "x86-64-v4"),
        ("-march=znver3", "x86-64-v3"),
        ("-march=znver1", "x86-64-v3"),
        ("-mcpu=armv8.1-a", ("ASIMDRDM", "ATOMICS")),
        ("target-cpu=x86-64-v2", "x86-64-v2"),
        ("GOAMD64=v3", "x86-64-v3"),
        ("-march=x86-64", None),
        ("-march=pentium4", None),
        ("GOAMD64=v1", None),
    ],
)
def test_a_flag_names_a_processor(flag: str, cpu: object) -> None:
    finding = one(f"RUN /bin/sh -c TOKEN={SECRET} make CFLAGS='-O3 {flag}' install # buildkit")
    assert asked(finding) == cpu
    assert (finding.id, finding.confidence) == ("build.target", Confidence.HINT)
    assert [(e.path, e.locator, e.statement) for e in finding.evidence] == [
        ("config.history", "2", f"Step 2 of the build says {flag}")
    ]
    assert SECRET not in finding.model_dump_json()


@pytest.mark.parametrize("flag", ["-march=native", "-mcpu=native", "-C target-cpu=native"])
def test_the_build_machine_is_nobody_knows_which(flag: str) -> None:
    finding = one(f"RUN cargo build {flag}")
    assert (finding.id, finding.requirement) == ("build.native", None)


@pytest.mark.parametrize(
    "step", ["RUN gcc -mtune=haswell", "RUN x-march=haswell", "RUN gcc -march=", "XGOAMD64=v3", ""]
)
def test_other_flags_name_none(step: str) -> None:
    assert findings(DETECTOR, image_view(history=(step,))) == []


def test_variables_count_too() -> None:
    view = image_view(env={"CFLAGS": "-O2 -march=zen2", "GOAMD64": "v2", "OTHER": "-march=haswell"})
    assert [finding.title[-9:] for finding in findings(DETECTOR, view)] == ["x86-64-v2", " for zen2"]


def test_each_processor_is_told_once() -> None:
    view = image_view(history=("-march=haswell", "-march=haswell -march=haswell"), env={"CFLAGS": "-march=haswell"})
    (finding,) = findings(DETECTOR, view)
    assert len(finding.evidence) == 4
