"""A fleet for people and for services: tables that fit, SARIF, a page that is nobody's markup, and what changed."""

from __future__ import annotations

import json
import re

import pytest

from compatbuild.fleet.changes import compare
from compatbuild.fleet.rows import Row, parse_row, to_line
from compatbuild.fleet.tally import NOBODY, tallies
from compatbuild.report.console import to_text
from compatbuild.report.fleet import changes, sarif, table
from compatbuild.report.fleet.page.render import html
from tests.builders.fleets import broken, fleet, header, row
from tests.unit.report.building import harmless
from tests.unit.report.test_page import ATTACKS, Parsed


def test_the_table_fits_and_says_how_many_it_leaves_out() -> None:
    text = to_text(table.table(fleet(500)), width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "and 400 more; -o html has all of them" in text
    assert lines[1].startswith("incompatible")
    assert "500 images: 125 compatible, 125 depends, 124 unknown, 1 error, 125 incompatible" in text


@pytest.mark.parametrize(("by", "teams"), [("namespace", ["team-0", "team-1", "team-2"]), ("label:owner", ["a", "b"]), ("label:none", []), ("registry", ["registry.example"])])  # fmt: skip
def test_by_team(by: str, teams: list[str]) -> None:
    found = tallies(fleet(60), by)
    nobody = [] if by == "registry" else [NOBODY]
    assert list(found) == [*nobody, *teams]
    text = to_text(table.by_team(fleet(60), by), width=100)
    assert all(team in text for team in teams)


@pytest.mark.parametrize("text", ATTACKS)
def test_nobody_s_text_becomes_anything(text: str) -> None:
    rows = [row(0, text=text or "x"), broken(1, text)]
    assert harmless(to_text(table.table(rows), table.by_team(rows, "namespace"), width=80))
    page = html(header(), rows)
    page.encode()
    parsed = Parsed(page)
    assert [name for name, _ in parsed.elements if name in {"img", "b"}] == []
    assert [name for name, _ in parsed.elements].count("script") == 2
    difference = compare([row(0)], rows, "namespace")
    assert harmless(to_text(changes.table(difference), width=80))
    assert harmless(json.dumps(changes.as_value(difference)))
    again = parse_row(to_line(rows[0]), "", 1)
    assert again.names[0] == (text or "x").replace("\ud800", "\ufffd")
    assert to_line(again) == to_line(rows[0])


def test_the_page_holds_each_reason_once() -> None:
    page = html(header(), fleet(1000))
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    assert len(data["rows"]) == 1000
    assert len(data["patterns"]) == 5
    assert data["texts"].count("node policy forbids: kernel.io_uring_disabled=2") == 1
    assert len(page) < 400 * 1000


def test_sarif_has_a_result_for_what_decides_and_for_errors() -> None:
    log = sarif.document([row(0), row(1), row(2), broken(3)])
    results = log["runs"][0]["results"]
    assert [(one["ruleId"], one["level"]) for one in results] == [
        ("fleet-incompatible", "error"),
        ("fleet-error", "error"),
        ("fleet-depends", "note"),
    ]
    assert "rhel-9.4: incompatible. kernel.config IO_URING: node policy" in results[0]["message"]["text"]


def moved(one: Row, number: int) -> Row:
    return one.model_copy(update={"digest": f"sha256:{number:064x}"})


def test_what_changed() -> None:
    old = [row(1), row(2), row(3), row(5), row(6)]
    new = [row(1, "incompatible"), moved(row(2), 99), row(3, "depends"), row(4), row(5)]
    found = compare(old, new, "namespace")
    assert [(one.kind, one.name.rpartition("/")[2], one.old, one.new) for one in found.changes] == [
        ("worse", "app1:v1", "depends", "incompatible"),
        ("new", "app4:v1", "", "incompatible"),
        ("better", "app3:v1", "unknown", "depends"),
        ("gone", "app6:v1", "compatible", ""),
    ]
    assert found.same == 2
    assert [(one.host, one.old, one.new) for one in found.changes[0].hosts] == [("rhel-9.4", "depends", "incompatible")]
    assert changes.summary(found) == "1 worse, 1 new, 1 better, 1 gone, 2 as before"


def test_another_reason_is_told_too() -> None:
    old, new = row(0), row(0).model_copy(update={"requirement": "kernel.config RDS"})
    (one,) = compare([old], [new], "namespace").changes
    assert (one.kind, one.old_requirement, one.new_requirement) == ("other", "kernel.config IO_URING", "kernel.config RDS")  # fmt: skip
    assert compare([old], [old], "namespace").changes == ()
    assert changes.markdown(compare([old], [old], "namespace")) == "1 as before\n"
