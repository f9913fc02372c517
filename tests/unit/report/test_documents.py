"""The report as JSON and YAML: the shape is an outward contract, and its bytes are the artifact's identity."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.model.report import parse_report
from compatbuild.report.documents import report_bytes, report_value, to_json, to_yaml
from tests.unit.report.building import DIGEST, finding, harmless, hostile_report, report


@pytest.fixture
def written() -> Any:
    made = report(
        finding("cuda.driver-min", requirement={"driver": ">=525.60.13"}, facts={"cuda.major": 12}, docs="d.md"),
        finding("os.release", requirement=None, severity="info"),
        facts={"cuda.major": {"value": 12, "confidence": "likely", "findings": ["cuda.driver-min"]}},
        skipped=[{"what": "detector x", "why": "it broke"}],
        limits=["a limit"],
    )
    return json.loads(report_bytes(made))


def test_the_shape(written: Any) -> None:
    assert list(written) == ["schema", "tool", "image", "facts", "findings", "skipped", "limits"]
    assert written["schema"] == "compatbuild.report/v1"
    assert written["tool"] == {"name": "compatbuild", "version": "1", "knowledge": "2026-11-23"}
    assert written["image"] == {
        "source": "oci-dir",
        "reference": "image:v1",
        "digest": DIGEST,
        "platform": "linux/amd64",
    }
    assert written["facts"] == {"cuda.major": {"value": 12, "confidence": "likely", "findings": ["cuda.driver-min"]}}
    assert written["skipped"] == [{"what": "detector x", "why": "it broke"}]
    assert written["limits"] == ["a limit"]


def test_the_shape_of_a_finding(written: Any) -> None:
    first, second = written["findings"]
    assert set(first) == {"id", "title", "confidence", "severity", "requirement", "facts", "evidence", "docs"}
    assert first["requirement"] == {"driver": ">=525.60.13"}  # as an author would write it: no defaults
    assert second["requirement"] is None
    assert first["evidence"] == [
        {"detector": "d", "layer": DIGEST, "path": "/usr/bin/app", "locator": "", "statement": "It is there"}
    ]


def test_what_is_written_is_read_again() -> None:
    made = report(finding("a", requirement={"driver": ">=1", "when": "always"}), finding("b", requirement=None))
    assert parse_report(report_bytes(made), "it") == made
    assert report_bytes(parse_report(report_bytes(made), "it")) == report_bytes(made)


def test_a_hostile_report_is_written_without_harm_and_read_again() -> None:
    made = hostile_report()
    text = report_bytes(made).decode()
    assert harmless(text)
    assert parse_report(text.encode(), "it") == made
    assert harmless(to_yaml(report_value(made)))


@given(st.recursive(st.text(st.characters()) | st.integers() | st.none(), lambda v: st.lists(v, max_size=3)))
def test_json_says_the_same_whatever_is_in_it(value: Any) -> None:
    text = to_json([value])
    assert harmless(text)
    text.encode()
    assert json.loads(text) == [value]


def test_json_stays_readable() -> None:
    assert to_json({"a": "größe 中文"}) == '{\n  "a": "größe 中文"\n}\n'


def test_yaml_says_what_json_says(written: Any) -> None:
    text = to_yaml(written)
    assert yaml.safe_load(text) == written
    assert text.startswith("schema: compatbuild.report/v1\n")  # in the order of the contract
