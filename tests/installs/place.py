"""A home to install into, the wheels to install from, and what an installation must be able to do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.builders.programs import write_image
from tests.installs.wheelhouse import wheelhouse
from tests.integration.shell import DEADLINE, Ended


@dataclass(frozen=True)
class Place:
    """A home with an image in it, and wheels to install from; no index is ever asked."""

    directory: Path
    wheels: Path

    def installed(self, python: Path, source: str | Path) -> None:
        """Install a wheel or a source for the interpreter of an environment that has no pip, and let pip check it."""
        into = (sys.executable, "-m", "pip", "--python", str(python))
        self.ok(*into, "install", *self.options, source)
        self.ok(*into, "check")

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


def place(directory: Path, python: str = "") -> Place:
    """Make one below a directory, with wheels for ``python`` (``3.13``; empty for this one)."""
    for name in ("home", "wheels"):
        (directory / name).mkdir()
    write_image(directory / "home" / "image")
    return Place(directory / "home", wheelhouse(directory / "wheels", python))
