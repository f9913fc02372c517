"""``compatbuild fleet show`` and ``fleet diff``: what a record says, without a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.fleets import broken, row, written
from tests.unit.cli.conftest import Cli


@pytest.fixture
def record(elsewhere: Path) -> Path:
    return written(elsewhere / "r.jsonl", row(0), row(2))


def test_show_prints_what_a_run_printed(cli: Cli, record: Path) -> None:
    done = cli("fleet", "show", "r.jsonl", "-o", "jsonl")
    assert (done.code, done.out) == (0, record.read_text())
    assert cli("fleet", "show", "r.jsonl", "-o", "html=page.html", "-o", "sarif=log.sarif").code == 0
    assert Path("page.html").stat().st_size > 10_000


def test_show_ends_as_check_does(cli: Cli, record: Path) -> None:
    assert cli("fleet", "show", "r.jsonl", "--fail-on", "incompatible").code == 10
    written(record, row(2), broken(1))
    assert cli("fleet", "show", "r.jsonl", "--fail-on", "incompatible").code == 1


def test_teams(cli: Cli, record: Path) -> None:
    out = cli("fleet", "show", "r.jsonl", "--by", "namespace").out
    assert [line.split()[0] for line in out.splitlines()] == ["NAMESPACE", "team-0", "team-2"]
    assert cli("fleet", "show", "r.jsonl", "--by", "colour").code == 2


def test_what_is_no_record(cli: Cli, elsewhere: Path) -> None:
    assert cli("fleet", "show", "r.jsonl").code == 3
    Path("r.jsonl").write_text("{}\n")
    assert "is no record of a fleet" in cli("fleet", "show", "r.jsonl").err


def test_diff(cli: Cli, record: Path) -> None:
    written(Path("new.jsonl"), row(0), row(2, "depends"), row(3))
    value = cli("fleet", "diff", "r.jsonl", "new.jsonl", "-o", "json").value
    assert value["counts"] == {"worse": 1, "new": 1, "better": 0, "other": 0, "gone": 0, "same": 1}
    assert value["teams"]["team-2"]["worse"] == 1
    assert cli("fleet", "diff", "r.jsonl", "new.jsonl", "--fail-on", "worse").code == 10
    assert cli("fleet", "diff", "new.jsonl", "r.jsonl", "--fail-on", "worse").code == 0
    assert cli("fleet", "diff", "new.jsonl", "r.jsonl", "--fail-on", "any").code == 10
    assert cli("fleet", "diff", "r.jsonl", "r.jsonl", "--fail-on", "any").code == 0
    assert "| worse | registry.example/app2:v1 | compatible | depends |" in cli("fleet", "diff", "r.jsonl", "new.jsonl", "-o", "markdown").out  # fmt: skip
