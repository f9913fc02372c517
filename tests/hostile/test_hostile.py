"""Every image made to harm is answered as expected: in this process, and a few in one of their own under limits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from compatbuild import validate
from compatbuild.cli import app, settings
from tests.hostile.__main__ import MOST_MEMORY, run
from tests.hostile.answer import wrong
from tests.hostile.case import Case
from tests.hostile.corpus import CASES, FAMILIES
from tests.unit.report.building import harmless

Infer = Callable[[Case, str], tuple[int, str, str]]
UNDER_LIMITS = (
    "tar-pax-bomb",
    "gzip-bomb",
    "gzip-empty-members",
    "zstd-window",
    "digest-layer",
    "layers-same",
    "toc-bomb",
    "toc-crowded",
)
"""Cases that ask for memory in different ways."""


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert sum(len(family.CASES) for family in FAMILIES) == len(CASES) >= 90


@pytest.fixture
def infer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Infer:
    """Make a case and infer from it in this process; the exit code, and what was printed."""

    def run(case: Case, output: str) -> tuple[int, str, str]:
        case.make(tmp_path / "image")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["compatbuild", "infer", "oci-dir:image", "-o", output, *case.options])
        settings.settings.cache_clear()
        return app.run(), *capsys.readouterr()

    return run


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(120)
def test_the_answer_is_the_expected_one(name: str, infer: Infer, tmp_path: Path) -> None:
    case = CASES[name]
    assert not wrong(case, *infer(case, "json"))
    assert list(tmp_path.iterdir()) == [tmp_path / "image"]


@pytest.mark.parametrize("output", ["table", "yaml", "markdown", "spec"])
@pytest.mark.parametrize("name", ["names-injection", "labels-injection", "tar-control-names", "dpkg-controls"])
def test_no_output_obeys_a_name(name: str, output: str, infer: Infer) -> None:
    code, out, err = infer(CASES[name], output)
    assert code == 0, err
    assert harmless(out + err)
    if output == "markdown":
        assert "<script" not in out
        assert "<img" not in out
        assert "](http://evil)" not in out.replace("\\](http", "")
    if output == "spec":
        (compatibility,) = yaml.safe_load(out)["compatibilities"]
        (rule,) = compatibility["rules"]
        terms = [*rule["matchFeatures"], *(term for way in rule.get("matchAny", ()) for term in way["matchFeatures"])]
        assert {term["feature"] for term in terms} <= {"cpu.cpuid", "cpu.model", "kernel.loadedmodule", "local.label"}
        assert not [issue for issue in validate(out.encode()) if issue.severity.value == "error"]


@pytest.mark.parametrize("name", UNDER_LIMITS)
@pytest.mark.timeout(120)
def test_memory_stays_bounded(name: str, tmp_path: Path) -> None:
    ran = run(CASES[name], tmp_path)
    assert not ran.why
    assert ran.cost.memory <= MOST_MEMORY
