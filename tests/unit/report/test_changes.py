"""Comparisons, for people and programs."""

import json

import pytest

from compatbuild.inference.changes import Change, Diff, FactChange, NeedChange
from compatbuild.inference.sides import Compared, Side
from compatbuild.report.changes import as_value, markdown, table
from compatbuild.report.console import to_text
from compatbuild.report.documents import to_json
from tests.golden import compared
from tests.unit.report.building import HOSTILE, harmless


def test_a_usual_comparison_looks_as_it_did() -> None:
    for path, text in compared.texts().items():
        assert path.read_text(encoding="utf-8") == text, "python -m tests.golden.compared writes it anew"


def hostile() -> Compared:
    needs = (NeedChange(Change.ADDED, HOSTILE, HOSTILE, HOSTILE, "a"),)
    facts = (FactChange(Change.CHANGED, HOSTILE, HOSTILE, [HOSTILE]),)
    side = Side("image", HOSTILE)
    return Compared(side, side, Diff(needs, facts, (HOSTILE,)))


@pytest.mark.parametrize("text", [to_text(table(hostile()), width=400), markdown(hostile())])
def test_what_an_image_says_is_shown_and_not_obeyed(text: str) -> None:
    assert harmless(text)


def test_a_row_of_markdown_has_its_cells_and_no_more() -> None:
    rows = [line for line in markdown(hostile()).splitlines() if line.startswith(("| added", "| changed"))]
    assert len(rows) == 2
    for row in rows:
        assert row.replace("\\\\", "").replace("\\|", "").count("|") == 5


def test_json_says_it_as_it_is() -> None:
    value = json.loads(to_json(as_value(hostile())))
    assert value["requirements"][0]["old"] == HOSTILE
    assert value["old"] == {"kind": "image", "name": HOSTILE, "digest": ""}


def test_nothing_changed_is_one_line() -> None:
    same = compared.compared(compared.OLD, compared.OLD)
    assert to_text(table(same)) == "It needs the same of its host.\n"
    assert as_value(same)["direction"] == "same"
