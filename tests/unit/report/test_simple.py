"""Aligned text, with and without a terminal."""

import pytest
from rich.text import Text

from compatbuild.report import console
from compatbuild.report.simple import columns
from tests.unit.report.building import HOSTILE, harmless


def test_rows_under_a_header() -> None:
    assert columns(("id", "title"), [("a", "first"), ("long-id", "second")]) == (
        "ID       TITLE\na        first\nlong-id  second\n"
    )


def test_the_last_column_wraps() -> None:
    told = columns(("id", "title"), [("a", "word " * 40)])
    assert max(map(len, told.splitlines())) <= console.PIPE_WIDTH
    assert told.count("word") == 40


def test_cells_do_no_harm() -> None:
    told = columns(("id", "title"), [(HOSTILE, HOSTILE), ("[bold]x[/bold]", "y")])
    assert harmless(told)
    assert "[bold]x[/bold]" in told


@pytest.mark.parametrize(("variable", "width"), [("60", 60), ("", 100), ("0", 100), ("wide", 100), ("-5", 100)])
def test_a_pipe_is_as_wide_as_columns_says(variable: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", variable)
    assert console.pipe_width() == width


def test_text_has_neither_colours_nor_blanks_at_the_end() -> None:
    assert console.to_text(Text("x  ", style="bold red"), width=10) == "x\n"


def test_a_terminal_gets_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert console.to_stdout(Text("x", style="red")) == "\x1b[31mx\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert console.to_stdout(Text("x", style="red")) == "x\n"
