"""Conda packages built for a level of x86-64: which of them count, and what says nothing."""

import pytest

from compatbuild.detectors.conda import DETECTOR
from compatbuild.image import pkg_conda
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence, Severity
from tests.builders.metadata_images import conda_record
from tests.builders.views import by_id, elf, findings, image_view

LIBRARY = "/opt/conda/lib/libblas.so"


def environment(*depends: str, reached: bool = True, files: tuple[str, ...] = ("lib/libblas.so",)) -> ImageView:
    """Return an image with one package in a conda environment."""
    return image_view(
        elves={LIBRARY: elf()},
        files={"/opt/conda/conda-meta/blas-3.9-h123_0.json": conda_record(depends, files)},
        reached={LIBRARY: Confidence.PROVEN} if reached else {},
        entrypoint_known=True,
    )


@pytest.mark.parametrize(
    ("depends", "level"),
    [
        ("_x86_64-microarch-level >=3", "x86-64-v3"),
        ("_x86_64-microarch-level >=3,<4", None),
        ("_x86_64-microarch-level 4.*", "x86-64-v4"),
        ("_x86_64-microarch-level >=2 2_x86_64_v2", "x86-64-v2"),
        ("x86_64-microarch-level ==3", "x86-64-v3"),
        ("_x86_64-microarch-level >=1", None),
        ("_x86_64-microarch-level", None),
        ("__archspec 1 zen3", None),
        ("_aarch64-microarch-level >=3", None),
    ],
)
def test_the_level_is_what_a_package_depends_on(depends: str, level: str | None) -> None:
    found = by_id(DETECTOR, environment("libgcc >=13", depends))
    assert [finding.facts["cpu.level"] for finding in found.values()] == ([level] if level else [])


def test_a_package_in_use_makes_it_likely_and_no_more() -> None:
    finding = by_id(DETECTOR, environment("_x86_64-microarch-level >=3"))["conda.cpu-level"]
    assert (finding.confidence, finding.severity) == (Confidence.LIKELY, Severity.REQUIRED)
    assert finding.requirement is not None
    assert finding.requirement.model_dump(exclude_defaults=True) == {"cpu": "x86-64-v3"}
    assert "blas 3.9 is built for x86-64-v3" in finding.evidence[0].statement


def test_an_unused_package_is_a_hint() -> None:
    finding = by_id(DETECTOR, environment("_x86_64-microarch-level >=3", reached=False))["conda.cpu-level-unused"]
    assert finding.confidence is Confidence.HINT
    assert finding.facts == {}


def test_the_highest_level_in_use_counts_and_lower_unused_ones_do_not() -> None:
    files = {
        f"/opt/conda/conda-meta/{name}-1.0-h0_0.json": conda_record(
            [f"_x86_64-microarch-level >={level}"], [f"lib/{name}.so"]
        )
        for name, level in (("a", 2), ("b", 3), ("c", 4), ("d", 2))
    }
    elves = {f"/opt/conda/lib/{name}.so": elf() for name in "abcd"}
    reached = {f"/opt/conda/lib/{name}.so": Confidence.LIKELY for name in "ab"}
    found = by_id(DETECTOR, image_view(elves=elves, files=files, reached=reached))
    assert {name: finding.title[-9:] for name, finding in found.items()} == {
        "conda.cpu-level": "x86-64-v3",
        "conda.cpu-level-unused": "x86-64-v4",
    }


def test_a_package_without_native_files_needs_no_cpu() -> None:
    assert findings(DETECTOR, environment("_x86_64-microarch-level >=3", files=("lib/x.py",))) == []
    assert findings(DETECTOR, environment("_x86_64-microarch-level >=3", files=("../../etc/passwd",))) == []


def test_levels_are_of_x86_64_only() -> None:
    view = image_view(
        elves={LIBRARY: elf()},
        files={"/opt/conda/conda-meta/blas-3.9-h0_0.json": conda_record(["_x86_64-microarch-level >=3"], ["lib/libblas.so"])},
        architecture="arm64",
    )  # fmt: skip
    assert findings(DETECTOR, view) == []


def test_a_record_that_is_cut_off_says_what_stands_before() -> None:
    content = conda_record(["python >=3.12"], [f"lib/{number}.py" for number in range(1000)])
    record = pkg_conda.record("/env/conda-meta/a-b-1.0-py312_0.json", content[:500])
    assert record is not None
    assert (record.name, record.version, record.build, record.prefix) == ("a-b", "1.0", "py312_0", "/env")
    assert record.depends == ("python >=3.12",)
    assert record.files == ()
    assert pkg_conda.record("/env/conda-meta/history.json", content) is None
