"""What people see on a terminal, as tmux shows it."""

import re
import unicodedata

import pytest

from tests.golden import terminal
from tests.golden.terminal import COLUMNS, DIRECTORY


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    return {path.name: text for path, text in terminal.texts()}


def test_a_terminal_shows_what_is_written_down(shown: dict[str, str]) -> None:
    written = {path.name: path.read_text("utf-8") for path in DIRECTORY.iterdir()}
    assert shown == written, "write it anew: python -m tests.golden.terminal"


@pytest.mark.parametrize("columns", COLUMNS)
def test_tables_take_the_width_they_get(shown: dict[str, str], columns: int) -> None:
    for command in ("infer", "explain"):
        lines = shown[f"{command}-{columns}.txt"].splitlines()
        assert max(map(len, lines)) <= columns
        assert not any(unicodedata.category(char) == "Cc" for line in lines for char in line)
    assert len(shown[f"infer-{COLUMNS[0]}.txt"].splitlines()) >= len(shown[f"infer-{COLUMNS[-1]}.txt"].splitlines())


@pytest.mark.parametrize("columns", COLUMNS)
def test_colours_change_nothing_but_colours(shown: dict[str, str], columns: int) -> None:
    coloured = shown[f"infer-{columns}-colours.txt"]
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert re.sub(r" +$", "", bare, flags=re.MULTILINE) == shown[f"infer-{columns}.txt"]
