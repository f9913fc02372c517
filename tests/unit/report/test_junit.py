"""JUnit XML of verdicts: what fails, what is skipped, and that hostile texts stay texts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from compatbuild.report.verdicts_junit import document
from tests.builders.matrices import matrix
from tests.unit.report.building import HOSTILE, harmless
from tests.unit.report.test_page import hostile


def test_a_suite_an_image_and_a_test_a_host() -> None:
    checked = matrix()
    suites = list(ET.fromstring(document(checked)))
    assert [suite.get("name") for suite in suites] == [one.subject.name for one in checked]
    for suite, one in zip(suites, checked, strict=True):
        assert [case.get("name") for case in suite] == [host.name for host in one.hosts]
        kinds = [case[0].tag if len(case) else "" for case in suite]
        told = {"compatible": "", "incompatible": "failure", "unknown": "skipped", "depends": "skipped"}
        assert kinds == [told[host.verdict.value] for host in one.hosts]
        assert int(suite.get("tests", "")) == len(kinds)
        assert int(suite.get("failures", "")) == kinds.count("failure")
        assert int(suite.get("skipped", "")) == kinds.count("skipped")


def test_a_failure_says_why_and_what_to_do() -> None:
    failures = ET.fromstring(document(matrix())).findall(".//failure")
    assert [failure.get("type") for failure in failures] == ["kernel.config", "local.label", "driver"]
    assert all("Wanted: " in failure.get("message", "") for failure in failures)
    skipped = ET.fromstring(document(matrix())).findall(".//skipped")
    assert [(one.text or "").partition(":")[0] for one in skipped] == ["unknown", "depends"]


def test_hostile_texts_stay_texts() -> None:
    text = document(hostile(HOSTILE))
    assert harmless(text)
    (suite,) = {one.get("name") for one in ET.fromstring(text)}
    assert "<b>" in (suite or "")


def test_no_image_is_no_suite() -> None:
    assert list(ET.fromstring(document([]))) == []
