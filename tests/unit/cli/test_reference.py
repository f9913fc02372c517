"""The reference page is the program's: every command, option, variable and exit code."""

import re
from pathlib import Path

from tests.golden import reference
from tests.unit.cli.conftest import ROOT
from tests.unit.cli.test_help import COMMANDS

TEXT = reference.PAGE.read_text("utf-8")


def sources() -> list[str]:
    return [path.read_text("utf-8") for path in sorted((ROOT / "compatbuild").rglob("*.py"))]


def test_the_page_is_up_to_date() -> None:
    assert reference.page() == TEXT, "write it anew: python -m tests.golden.reference"


def test_every_command_has_its_heading_and_an_example() -> None:
    for command in COMMANDS:
        section = TEXT.partition(f"\n## compatbuild {' '.join(command)}\n")[2].partition("\n## ")[0]
        assert f"```console\ncompatbuild {' '.join(command)}" in section


def test_every_exit_code_of_a_command_is_told() -> None:
    commands = "".join(path.read_text() for path in Path(ROOT / "compatbuild" / "cli").glob("*.py"))
    stated = {int(code) for code in re.findall(r"^EXIT_[A-Z_]+(?:: \w+)? = (\d+)$", commands, re.MULTILINE)}
    assert stated
    assert stated <= reference.exit_codes().keys()


def test_every_variable_of_ours_that_is_read_is_told() -> None:
    read = {name for text in sources() for name in re.findall(r"\bCOMPATBUILD_[A-Z][A-Z_]*[A-Z]\b", text)}
    assert {name for name in read if f"`{name}`" not in TEXT} == set()
