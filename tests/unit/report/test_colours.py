"""Who gets colours: a terminal, unless it or its user wants none; a pipe only when asked for."""

import io

import pytest
from rich.text import Text

from compatbuild.report.colours import coloured
from compatbuild.report.console import to_stdout, to_text

VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("said", "at_terminal", "at_pipe"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
    ids=str,
)
def test_who_gets_colours(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], *, at_terminal: bool, at_pipe: bool
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert (coloured(Terminal()), coloured(io.StringIO())) == (at_terminal, at_pipe)


def test_a_file_never_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert to_text(Text("x", style="bold red")) == "x\n"


def test_without_colours_there_are_no_escapes_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert to_stdout(Text("x", style="bold red")) == "x\n"


def test_a_pipe_with_colours_has_the_width_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    told = to_stdout(Text("word " * 10, style="red")).splitlines()
    assert len(told) > 2
    assert all(line.startswith("\x1b[31m") for line in told)
