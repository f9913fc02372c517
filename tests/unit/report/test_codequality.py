"""GitLab's code quality report: its fields, paths relative to the repository, fingerprints that tell problems apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compatbuild import api
from compatbuild.report.codequality import document
from compatbuild.report.documents import to_json
from compatbuild.validation.issue import Place, Severity, make_issue
from tests.unit.cli.conftest import Cli, cli, elsewhere
from tests.unit.report.building import HOSTILE, harmless

__all__ = ["cli", "elsewhere"]  # fixtures
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^.]|^[.][^/]"},
                    "lines": {"type": "object", "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
"""By GitLab's documentation of the format: no package holds a schema of it."""
SPEC = """\
version: v1alpha1
compatibilities:
  - tag: required
    rules:
      - name: first
        matchFeatures:
          - feature: kernel.loadedmodule
            matchExpressions:
              a-b: {op: Exists}
              c-d: {op: Exists}
"""


def checked(value: Any) -> Any:
    jsonschema.validate(value, SCHEMA)
    return value


def test_each_problem_has_a_place_and_a_fingerprint_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compat.yaml").write_text(SPEC)
    found = checked(document(api.validate("compat.yaml")))
    assert [(one["check_name"], one["location"]["lines"]["begin"]) for one in found] == [
        ("hyphenated-module", 9),
        ("hyphenated-module", 10),
    ]
    assert {one["severity"] for one in found} == {"major"}
    assert len({one["fingerprint"] for one in found}) == 2


def test_a_fingerprint_stays_when_lines_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compat.yaml").write_text(SPEC)
    before = document(api.validate("compat.yaml"))
    Path("compat.yaml").write_text("# a comment\n\n" + SPEC)
    after = document(api.validate("compat.yaml"))
    assert [one["fingerprint"] for one in before] == [one["fingerprint"] for one in after]
    assert before[0]["location"] != after[0]["location"]


def test_equal_problems_are_told_apart() -> None:
    one = make_issue("rule", Place(1, 1, ""), "wrong", remedy="mend it", severity=Severity.WARNING)
    first, second = checked(document([one, one]))
    assert first["severity"] == "minor"
    assert first["fingerprint"] != second["fingerprint"]


@pytest.mark.parametrize("name", ["./deploy/compat.yaml", "deploy/../deploy/compat.yaml", "deploy/compat.yaml"])
def test_paths_are_those_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for given in (name, str(tmp_path / name)):
        issue = make_issue("rule", Place(3, 1, ""), "wrong", remedy="mend it", name=given)
        (found,) = document([issue])
        assert found["location"] == {"path": "deploy/compat.yaml", "lines": {"begin": 3}}


def test_hostile_texts_stay_texts() -> None:
    issue = make_issue("rule", Place(1, 1, HOSTILE), HOSTILE, remedy=HOSTILE, name=HOSTILE)
    assert harmless(to_json(checked(document([issue]))))


def test_the_command(cli: Cli) -> None:
    Path("compat.yaml").write_text(SPEC)
    Path("compat.yaml.j2").write_text("a\n{% for %}\n")
    Path("good.yaml.j2").write_text("{% if facts %}version: compatbuild/v1{% endif %}\n")
    told = cli("validate", "compat.yaml", "compat.yaml.j2", "good.yaml.j2", "-o", "codequality")
    assert told.code == 12
    found = checked(told.value)
    assert [one["location"]["path"] for one in found] == ["compat.yaml", "compat.yaml", "compat.yaml.j2"]
    assert found[-1]["location"]["lines"]["begin"] == 2
    assert cli("validate", "good.yaml.j2").code == 0
    assert cli("validate", "nowhere.yaml.j2").code == 3


@pytest.mark.parametrize("text", ["{{ x | nofilter }}", "{{", "\xff", "{% endfor %}", "{{ " + "(" * 5000, "x" * 70000])
def test_a_template_that_cannot_be_read_is_an_issue(cli: Cli, text: str) -> None:
    Path("t.yaml.j2").write_bytes(text.encode("latin-1"))
    told = cli("validate", "t.yaml.j2")
    assert told.code == 12
    assert "template-syntax" in told.out
    assert "Traceback" not in told.err
