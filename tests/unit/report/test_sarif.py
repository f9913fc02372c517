"""SARIF of verdicts: which are results, where they stand, and that hostile texts stay texts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from compatbuild import api
from compatbuild.checking.verdicts import Checked, Subject
from compatbuild.hosts.catalogue import profiles
from compatbuild.report.documents import to_json
from compatbuild.report.sarif import Location, Result, Rule, sarif
from compatbuild.report.verdicts_sarif import document
from tests.builders.matrices import matrix
from tests.unit.report.building import HOSTILE, harmless
from tests.unit.report.test_page import hostile

SPEC = """\
version: v1alpha1
compatibilities:
  - tag: required
    rules:
      - name: first
        matchFeatures:
          - feature: kernel.config
            matchExpressions:
              IKCONFIG: {op: Exists}
      - name: second
        matchFeatures:
          - feature: kernel.Config
            matchExpressions:
              FUSE_FS: {op: In, value: ["y", "m"]}
              BTRFS_FS: {op: In, value: ["n"]}
          - feature: kernel.config
            matchExpressions:
              BTRFS_FS: {op: In, value: ["y", "m"]}
"""


def results(value: dict[str, Any]) -> list[dict[str, Any]]:
    (run,) = value["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def region(result: dict[str, Any]) -> tuple[int, int] | None:
    place = result["locations"][0]["physicalLocation"].get("region")
    return (place["startLine"], place["startColumn"]) if place else None


def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str = "app.yaml") -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    (result,) = results(document([api.check(name, profiles("debian-12"))], api.read_file))
    return result


def test_every_verdict_but_a_good_one_is_a_result() -> None:
    found = results(document(matrix(), api.read_file))
    told = [(one["level"], one["ruleId"], one["properties"]["host"]) for one in found]
    assert told == [
        ("error", "kernel.config", "rhel-9.4"),
        ("warning", "kernel.config", "cos-121"),
        ("note", "kernel.loadedmodule", "rhel-9.4"),
        ("error", "local.label", "cos-121"),
        ("error", "driver", "debian-12"),
    ]


def test_a_message_says_host_wanted_found_why_and_remedy() -> None:
    (first, *_) = results(document(matrix(), api.read_file))
    assert first["message"]["text"] == (
        "registry.example/uring:1.2 on rhel-9.4: incompatible. Wanted: kernel.config IO_URING In y, m. Found: y. "
        "Why: the kernel can, node policy forbids: kernel.io_uring_disabled=2. Try: change it in /etc/sysctl.d."
    )
    (location,) = first["locations"]
    assert "physicalLocation" not in location
    assert location["logicalLocations"] == [
        {"name": "kernel.config", "fullyQualifiedName": "registry.example/uring:1.2/set required/kernel.config"}
    ]


SECOND = SPEC.replace("IKCONFIG: {op: Exists}", "TUN: {op: Exists}")


@pytest.mark.parametrize(("text", "place"), [
    (SPEC, (9, 15)), (SECOND, (15, 15)),
    (SECOND.replace('BTRFS_FS: {op: In, value: ["n"]}', "BTRFS_FS: {op: Exists}").replace('["y", "m"]}\n', '["zz"]}\n'), (14, 15)),
    (SECOND.replace('["n"]', '["y", "m"]').removesuffix('["y", "m"]}\n') + '["zz"]}\n', (18, 15)),
])  # fmt: skip
def test_a_result_stands_at_the_expression_that_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: tuple[int, int]
) -> None:
    result = one(tmp_path, monkeypatch, text)
    assert region(result) == place
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app.yaml"


def test_names_of_files_become_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a b%20:#?ü\x1b.yaml"
    result = one(tmp_path, monkeypatch, SPEC, name)
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b%2520%3A%23%3F%C3%BC%1B.yaml"
    absolute = document([api.check(str(tmp_path / name), profiles("debian-12"))], api.read_file)
    assert (
        results(absolute)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == f"{tmp_path.as_uri()}/{uri}"
    )


def test_what_cannot_be_read_again_has_no_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.yaml").write_text(SPEC)
    checked = api.check("app.yaml", profiles("debian-12"))
    for content in ("{", "compatibilities: []", "compatibilities: [{rules: []}]"):
        Path("app.yaml").write_text(content)
        assert [region(result) for result in results(document([checked], api.read_file))] == [None]
    Path("app.yaml").unlink()
    os.mkfifo("app.yaml")  # reading it would never end
    assert [region(result) for result in results(document([checked], api.read_file))] == [None]


def test_a_rule_is_told_once_and_named_by_its_place() -> None:
    rule, other = Rule("a", "A", "help"), Rule("b", "B", "help")
    made = [Result(rule, "error", "m", Location("f", 3), ("f", str(at))) for at in range(3)]
    value = sarif([*made, Result(other, "note", "m", Location(names=("x",)), ("x",))])
    (run,) = value["runs"]
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == ["a", "b"]
    assert [one["ruleIndex"] for one in run["results"]] == [0, 0, 0, 1]
    assert len({one["partialFingerprints"]["compatbuild/v1"] for one in run["results"]}) == 4
    assert sarif([])["runs"][0]["results"] == []


def test_hostile_texts_stay_texts() -> None:
    value = document(hostile(HOSTILE), api.read_file)
    shown = to_json(value)
    assert harmless(shown)
    assert len(results(value)) == 2


def test_what_no_expression_decides_is_a_result_too() -> None:
    told = document([Checked(Subject("a", "spec"), hostile("x")[0].hosts)], api.read_file)
    (result,) = results(told)
    assert (result["ruleId"], result["level"]) == ("rule", "error")
    assert "Wanted: rule x." in result["message"]["text"]
