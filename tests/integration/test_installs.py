"""pipx and pip install wheel and source in clean places, and what they install works and completes in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import ProjectBuilder

from compatbuild.version import __version__
from tests.builders.programs import write_image
from tests.builders.python_tools import unpacked
from tests.installs.wheelhouse import PIPX, pip_wheel, wheelhouse
from tests.integration.shell import DEADLINE, ROOT, Ended

pytestmark = pytest.mark.download


@dataclass(frozen=True)
class Place:
    """A home of its own, and wheels to install from; no index is ever asked."""

    directory: Path
    wheels: Path

    @property
    def options(self) -> list[str]:
        # Nothing is compiled: that takes longer than all else, and a start compiles what it needs.
        return ["--no-index", f"--find-links={self.wheels}", "--disable-pip-version-check", "--no-compile", "--quiet"]

    def run(self, *command: str | Path, **environment: str) -> Ended:
        """Run a program away from the checkout."""
        told = {"HOME": str(self.directory), "PATH": os.environ["PATH"], **environment}
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=told,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def ok(self, *command: str | Path, **environment: str) -> str:
        ended = self.run(*command, **environment)
        assert ended.code == 0, ended.out + ended.err
        return ended.out

    def works(self, *program: str | Path) -> None:
        """Look at an image, and validate what comes of it: schemas, knowledge and detectors are all there."""
        self.ok(*program, "infer", "oci-dir:image:v1", "-o", "spec=compat.yaml")
        assert "cpu.cpuid" in (self.directory / "compat.yaml").read_text()
        self.ok(*program, "validate", "compat.yaml")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("installs")
    for name in ("home", "wheels", "dist"):
        (directory / name).mkdir()
    write_image(directory / "home" / "image")
    return Place(directory / "home", wheelhouse(directory / "wheels"))


def test_pipx_installs_the_wheel_and_the_shell_completes_it(place: Place, tmp_path: Path) -> None:
    wheel = ProjectBuilder(ROOT).build("wheel", tmp_path)
    pip = pip_wheel()
    own = unpacked(tmp_path / "pipx", *PIPX)
    environment = {
        "PYTHONPATH": str(own),
        "PIPX_HOME": str(tmp_path / "home"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    options = f"--pip-args={' '.join([*place.options, f'--find-links={pip.parent}'])}"
    place.ok(sys.executable, "-m", "pipx", "install", options, wheel, **environment)
    program = tmp_path / "bin" / "compatbuild"
    place.works(program)

    place.ok(program, "--install-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    script = (
        ". ~/.bashrc; COMP_WORDS=(compatbuild prof); COMP_CWORD=1; _compatbuild_completion compatbuild; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    told = place.ok("bash", "-c", script, PATH=f"{program.parent}:{os.environ['PATH']}")
    assert told.split() == ["profile"]


def test_pip_builds_and_installs_the_source(place: Place, tmp_path: Path) -> None:
    source = ProjectBuilder(ROOT).build("sdist", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / "bin"
    into = (sys.executable, "-m", "pip", "--python", str(programs / "python"))
    place.ok(*into, "install", *place.options, source)
    place.ok(*into, "check")
    place.works(programs / "compatbuild")
    assert place.ok(programs / "python", "-m", "compatbuild", "version").startswith(f"compatbuild {__version__}")
