"""What `check -o junit` prints is JUnit XML by Jenkins' schema, as xmllint reads it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from compatbuild.hosts.catalogue import profiles
from compatbuild.report.verdicts_junit import document
from tests.builders.gomodules import KUBECONFORM, module_file
from tests.builders.matrices import matrix
from tests.integration.shell import shell
from tests.peers import require
from tests.unit.report.building import HOSTILE
from tests.unit.report.test_page import hostile
from tests.unit.report.test_sarif import SPEC

pytestmark = pytest.mark.download


def problems(tmp_path: Path, text: str) -> str:
    (tmp_path / "junit.xsd").write_bytes(module_file(KUBECONFORM, "fixtures/junit.xsd"))
    (tmp_path / "found.xml").write_text(text)
    command: list[str | Path] = [require("xmllint"), "--nonet", "--noout", "--schema", "junit.xsd", "found.xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def test_the_schema_refuses_what_is_none(tmp_path: Path) -> None:
    assert "tests" in problems(tmp_path, '<testsuites><testsuite name="x"/></testsuites>')


def test_verdicts(tmp_path: Path) -> None:
    assert problems(tmp_path, document(matrix())) == ""


def test_hostile_texts(tmp_path: Path) -> None:
    assert problems(tmp_path, document(hostile(HOSTILE))) == ""


def test_the_command(tmp_path: Path) -> None:
    run = shell(tmp_path)
    (run.directory / "app.yaml").write_text(SPEC)
    ended = run.run("check", "app.yaml", "--os", "all", "-o", "junit=found/check.xml", "-o", "summary")
    assert ended.code == 10, ended.err
    text = (run.directory / "found/check.xml").read_text()
    assert text.count("<testcase ") == len(profiles("all"))
    assert problems(tmp_path, text) == ""
