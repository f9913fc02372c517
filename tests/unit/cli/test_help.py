"""Every command explains itself and shows an example that can be typed."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
import typer

from compatbuild.cli.app import app
from tests.unit.cli.conftest import ROOT, Cli

LATER = {"docker", "git", "jinja2", "jsonschema", "cryptography", "nacl", "oras", "requests", "sigstore"}
"""What a command imports when it needs it, and no sooner."""


def commands(group: typer.Typer = app, *names: str) -> Iterator[tuple[tuple[str, ...], Callable[..., object]]]:
    """Yield the words of each command, and the function behind it."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield (*names, command.name or command.callback.__name__), command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        assert inner.name is not None
        yield from commands(inner.typer_instance, *names, inner.name)


COMMANDS = dict(sorted(commands()))


def words(cli: Cli, *command: str) -> str:
    """Return the help of a command as one line, without frames."""
    result = cli(*command, "--help")
    assert (result.code, result.err) == (0, "")
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.out).split())


def test_the_commands_are_those_of_the_contract() -> None:
    top = {command[0] for command in COMMANDS}
    assert top >= set(
        "infer init refine validate attach detach sign verify publish show pull key detector version".split()
    )
    assert {command[1:] for command in COMMANDS if command[0] in {"key", "detector"}} == {
        ("generate",),
        ("list",),
        ("explain",),
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_shows_an_example_with_flags_that_it_has(cli: Cli, command: tuple[str, ...]) -> None:
    told = words(cli, *command)
    found = re.search(r"Example: (compatbuild .*?) (?:Arguments|Options) ", told)
    assert found is not None
    typed = shlex.split(found[1])
    assert typed[1 : 1 + len(command)] == list(command)
    flags = [word for word in typed if word.startswith("-") and word != "-"]
    assert all(re.search(rf"(?<!\S){flag}(?!\S)", told.replace(found[1], "")) for flag in flags), flags


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(command: tuple[str, ...]) -> None:
    parameters = get_type_hints(COMMANDS[command], include_extras=True)
    del parameters["return"]
    assert {name for name, hint in parameters.items() if len(hint.__metadata__[0].help or "") < 10} == set()


@pytest.mark.parametrize("flags", [("-h",), ("--help",)])
def test_the_help_of_all_names_every_command(cli: Cli, flags: tuple[str, ...]) -> None:
    told = cli(*flags)
    assert told.code == 0
    assert all(re.search(rf"│ {command[0]} ", told.out) for command in COMMANDS)


@pytest.mark.parametrize("command", [(), ("key",), ("detector",), ("docker",)])
def test_without_a_command_the_help_is_shown(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command)
    assert result.code == 2
    assert "Usage: compatbuild" in result.out
    assert result.err == ""


def imported(*arguments: str) -> set[str]:
    """Return the top-level modules that a command imports."""
    code = (
        "import sys\nfrom compatbuild.cli.app import run\nrun()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("infer", "--help"), ("publish", "--help"), ("version",)])
def test_nothing_heavy_is_imported_for_nothing(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments) & LATER == set()


def test_help_imports_neither_models_nor_knowledge() -> None:
    assert imported("--help") & {"pydantic", "yaml", "numpy", "re2", "isal"} == set()


def test_inferring_from_a_directory_needs_no_client(tmp_path: Path) -> None:
    for name in ("usr", "etc"):
        (tmp_path / name).mkdir()
    assert (
        imported("infer", f"dir:{tmp_path}") & {"docker", "git", "jinja2", "requests", "oras", "cryptography"} == set()
    )
