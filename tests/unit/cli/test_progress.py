"""Progress is for people at a terminal, and for nobody else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.programs import write_index
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
    assert "reading layers 0/1" in told
    assert "reading layers 1/1" in told
    assert re.search(r"\d+(\.\d+)?/\d+(\.\d+)? (bytes|kB)", told)  # how many of how many
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


def test_the_layers_of_all_platforms_are_one_work(elsewhere: Path) -> None:
    write_index(Path("index"))
    told = shown("publish", "oci-dir:index:v1")
    assert "reading layers 2/2" in told
    assert "reading layers 3/" not in told


def test_what_was_shown_leaves_no_trace(image: str) -> None:
    """The last that happens to the line of progress is that it is erased."""
    told = shown("infer", image)
    assert "\x1b[2K" in told.rpartition("reading layers")[2]
