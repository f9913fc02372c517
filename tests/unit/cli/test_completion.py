"""Shells complete commands and options by asking the program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compatbuild.cli.app import COMPLETION
from tests import peers
from tests.unit.cli.conftest import ROOT


def on_path(directory: Path) -> dict[str, str]:
    """Return an environment in which `compatbuild` is this checkout."""
    program = directory / "compatbuild"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m compatbuild "$@"\n')
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }


def answer(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("compatbuild in", {"infer", "init"}, {"diff"}),
        ("compatbuild key ", {"generate"}, {"infer"}),
        ("compatbuild infer --no", {"--no-progress"}, {"--output"}),
    ],
)
def test_bash_completes(tmp_path: Path, typed: str, offered: set[str], not_offered: set[str]) -> None:
    words = typed.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(compatbuild --show-completion bash)"; '
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _compatbuild_completion compatbuild; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = set(answer(["bash", "-c", script], on_path(tmp_path)).split())
    assert found >= offered
    assert not found & not_offered


def test_zsh_is_offered_commands_with_what_they_do(tmp_path: Path) -> None:
    environment = on_path(tmp_path)
    told = answer(
        ["compatbuild"], {**environment, COMPLETION: "complete_zsh", "_TYPER_COMPLETE_ARGS": "compatbuild in"}
    )
    assert '"infer":"Say what an image needs of its host' in told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_one_it_can_read(tmp_path: Path, shell: str) -> None:
    script = answer(["compatbuild", "--show-completion", shell], on_path(tmp_path))
    assert COMPLETION in script
    if shell == "fish":  # only that there is a script
        return
    program = shell if shell == "bash" else str(peers.require(shell))
    subprocess.run([program, "-n"], input=script, text=True, check=True)
