"""What `validate` and `infer` print as SARIF: by the standard's schema, at the author's lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders.programs import write_image
from tests.integration.journey import OTHER_SPEC
from tests.integration.shell import Ended, Shell, shell
from tests.integration.test_sarif_schema import problems, schema

__all__ = ["schema"]  # the fixture
pytestmark = pytest.mark.download
BAD = OTHER_SPEC.replace("matchFeatures", "matchFeature").replace("Exists", "Exist")


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def results(ended: Ended) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ended.value["runs"][0]["results"]
    return found


def test_mistakes_stand_where_they_were_made(run: Shell, schema: Any) -> None:
    (run.directory / "my spec.yaml").write_text(BAD)
    ended = run.run("validate", "my spec.yaml", "-o", "sarif")
    assert ended.code == 12
    assert problems(schema, ended.value) == []
    places = [one["locations"][0]["physicalLocation"] for one in results(ended)]
    assert {place["artifactLocation"]["uri"] for place in places} == {"my%20spec.yaml"}
    assert [place["region"]["startLine"] for place in places] == [6, 10]
    assert {one["level"] for one in results(ended)} == {"error"}
    stated = run.run("validate", "my spec.yaml", "-o", "json").value["issues"]
    assert [one["ruleId"] for one in results(ended)] == [issue["rule"] for issue in stated]


def test_what_came_by_a_pipe_is_in_no_file(run: Shell, schema: Any) -> None:
    ended = run.run("validate", "-", "-o", "sarif", stdin=BAD.encode())
    assert problems(schema, ended.value) == []
    assert all("physicalLocation" not in one["locations"][0] for one in results(ended))


def test_a_good_specification_has_no_results(run: Shell, schema: Any) -> None:
    (run.directory / "spec.yaml").write_text(OTHER_SPEC)
    ended = run.run("validate", "spec.yaml", "-o", "sarif")
    assert (ended.code, results(ended), problems(schema, ended.value)) == (0, [], [])


def test_needs_of_an_image_are_notes_with_their_evidence(run: Shell, schema: Any) -> None:
    write_image(run.directory / "image")
    ended = run.run("infer", "oci-dir:image:v1", "-o", "sarif")
    assert problems(schema, ended.value) == []
    told = {one["ruleId"]: one for one in results(ended)}
    assert set(told) == {"cpu.architecture", "cpu.level", "cuda.driver-min"}  # not os.release, which asks for nothing
    driver = told["cuda.driver-min"]
    assert driver["level"] == "note"
    assert driver["message"]["text"].startswith("NVIDIA driver >= 525.60.13 (proven). Seen: /usr/bin/app: ")
    assert driver["locations"][0]["logicalLocations"][0]["name"] == "/usr/bin/app"
