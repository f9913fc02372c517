"""What `buildkit-scan` writes is SPDX 2.3 by the JSON schema of that release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compatbuild import api
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.report.spdx import document
from tests.builders.gomodules import SYFT, module_file
from tests.builders.programs import write_image
from tests.unit.report.building import HOSTILE

pytestmark = pytest.mark.download
MOMENT = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of SPDX 2.3, as syft carries it, strict about fields that it does not know."""
    value = json.loads(module_file(SYFT, "schema/spdx-json/spdx-schema-2.3.json"))
    assert "SPDX 2.3" in value["title"]
    return value


def problems(schema: Any, value: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(value)]


def test_the_schema_refuses_what_is_none(schema: Any, tmp_path: Path) -> None:
    value = document(api.infer(f"oci-dir:{write_image(tmp_path / 'image')}"), "app", MOMENT)
    assert problems(schema, {**value, "annotations": [{"comment": "without a date"}]})
    assert problems(schema, {**value, "needs": []})
    assert problems(schema, {key: found for key, found in value.items() if key != "creationInfo"})


def test_a_report(schema: Any, tmp_path: Path) -> None:
    report = api.infer(f"oci-dir:{write_image(tmp_path / 'image')}")
    value = document(report, "app", MOMENT)
    assert len(value["annotations"]) == len(report.findings) + 1 > 3
    assert problems(schema, value) == []


def test_hostile_texts(schema: Any, tmp_path: Path) -> None:
    report = api.infer(f"oci-dir:{write_image(tmp_path / 'image')}")
    seen = (Evidence(detector="d", path=f"/{HOSTILE}", statement=HOSTILE),)
    finding = Finding(id="x", title=HOSTILE, confidence=Confidence.HINT, evidence=seen)
    value = document(report.model_copy(update={"findings": (finding,)}), HOSTILE, MOMENT)
    assert problems(schema, value) == []
    assert json.loads(value["annotations"][1]["comment"])["finding"]["title"] == HOSTILE
