"""What `check -o sarif` prints is SARIF by the standard's own JSON schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compatbuild import api
from compatbuild.hosts.catalogue import profiles
from compatbuild.report.fleet.sarif import document as fleet_document
from compatbuild.report.verdicts_sarif import document
from tests.builders import fleets
from tests.builders.matrices import matrix
from tests.builders.npm import SARIF, npm_file
from tests.unit.report.building import HOSTILE
from tests.unit.report.test_page import hostile
from tests.unit.report.test_sarif import SPEC

pytestmark = pytest.mark.download


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of SARIF 2.1.0 (rtm.5), as Microsoft's matchers for jest carry it."""
    value = json.loads(npm_file(SARIF, "lib/schemas/sarif-2.1.0-rtm.5.json"))
    assert value["properties"]["version"]["enum"] == ["2.1.0"]
    return value


def problems(schema: Any, value: Any) -> list[str]:
    # $schema names another edition of the same schema than the one at hand, and the format lets it be any URI.
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(value)]


def test_the_schema_refuses_what_is_none(schema: Any) -> None:
    assert problems(schema, {"version": "2.1.0", "runs": [{"tool": {}, "results": [{}]}]})


def test_verdicts(schema: Any, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(SPEC)
    file = api.check(str(tmp_path / "app.yaml"), profiles("all"))
    value = document([*matrix(), file], api.read_file)
    assert len(value["runs"][0]["results"]) > 20
    assert problems(schema, value) == []


def test_hostile_texts(schema: Any) -> None:
    assert problems(schema, document(hostile(HOSTILE), api.read_file)) == []


def test_a_fleet(schema: Any) -> None:
    rows = [*fleets.fleet(50), fleets.row(60, text=HOSTILE), fleets.broken(61, HOSTILE)]
    value = fleet_document(rows)
    assert len(value["runs"][0]["results"]) > 20
    assert problems(schema, value) == []


def test_the_command(schema: Any, tmp_path: Path) -> None:
    from tests.integration.shell import shell  # noqa: PLC0415 - peers are not needed for the rest

    run = shell(tmp_path)
    (run.directory / "app.yaml").write_text(SPEC)
    ended = run.run("check", "app.yaml", "--os", "debian-*", "-o", "sarif")
    assert ended.code == 10, ended.err
    assert problems(schema, ended.value) == []
