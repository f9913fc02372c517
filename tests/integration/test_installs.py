"""pipx and pip install wheel and source in clean places, and what they install works and completes in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from build import ProjectBuilder

from compatbuild.version import __version__
from tests.builders.python_tools import unpacked
from tests.installs.place import Place, place
from tests.installs.wheelhouse import PIPX, pip_wheel
from tests.integration.shell import ROOT

pytestmark = pytest.mark.download


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("installs"))


def test_pipx_installs_the_wheel_and_the_shell_completes_it(home: Place, tmp_path: Path) -> None:
    wheel = ProjectBuilder(ROOT).build("wheel", tmp_path)
    pip = pip_wheel()
    own = unpacked(tmp_path / "pipx", *PIPX)
    environment = {
        "PYTHONPATH": str(own),
        "PIPX_HOME": str(tmp_path / "home"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    options = f"--pip-args={' '.join([*home.options, f'--find-links={pip.parent}'])}"
    home.ok(sys.executable, "-m", "pipx", "install", options, wheel, **environment)
    program = tmp_path / "bin" / "compatbuild"
    home.works(program)

    home.ok(program, "--install-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    script = (
        ". ~/.bashrc; COMP_WORDS=(compatbuild prof); COMP_CWORD=1; _compatbuild_completion compatbuild; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    told = home.ok("bash", "-c", script, PATH=f"{program.parent}:{os.environ['PATH']}")
    assert told.split() == ["profile"]


def test_pip_builds_and_installs_the_source(home: Place, tmp_path: Path) -> None:
    source = ProjectBuilder(ROOT).build("sdist", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / "bin"
    home.installed(programs / "python", source)
    home.works(programs / "compatbuild")
    assert home.ok(programs / "python", "-m", "compatbuild", "version").startswith(f"compatbuild {__version__}")
