"""Progress is for people at a terminal, and for nobody else."""

import os
import subprocess
import sys

import pytest

from tests.unit.cli.conftest import ON_A_TERMINAL, ROOT, Cli


def shown(*arguments: str, **environment: str) -> str:
    """Return everything a terminal shows of a run."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, sys.executable, "-m", "compatbuild", *arguments],
        env={**inherited, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_terminal_shows_progress_and_colours(image: str) -> None:
    told = shown("infer", image)
    assert "reading layers" in told
    assert "\x1b[1;32mproven\x1b[0m" in told


@pytest.mark.parametrize(
    ("flags", "environment"),
    [(["--no-progress"], {}), (["-q"], {}), ([], {"CI": "true"}), ([], {"TERM": "dumb"})],
    ids=str,
)
def test_none_where_it_is_not_wanted(image: str, flags: list[str], environment: dict[str, str]) -> None:
    told = shown("infer", image, *flags, **environment)
    assert "reading layers" not in told
    assert "NVIDIA driver >= 525.60.13" in told


def test_no_colour_where_none_is_wanted(image: str) -> None:
    assert "\x1b[1;32m" not in shown("infer", image, "--no-progress", NO_COLOR="1")


def test_a_pipe_gets_results_only(cli: Cli, image: str) -> None:
    result = cli("infer", image)
    assert (result.err, "\x1b" in result.out) == ("", False)
