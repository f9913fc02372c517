"""The real command line, typed in a directory of its own, and the programs that images are pushed and read with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers import peer, servers

ROOT = Path(__file__).parents[2]
PASSWORD = "a password"  # of keys that sign nothing else
DEADLINE = 120.0  # seconds for any one program
REGISTRIES = {"api": servers.referrers_registry, "fallback": servers.fallback_registry}
"""A registry with the referrers API, and one without."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What was printed as JSON on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A working directory, and a home that holds no credentials and no settings."""

    directory: Path
    home: Path

    def run(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Ended:
        """Run compatbuild."""
        return self._run([sys.executable, "-m", "compatbuild", *arguments], stdin, environment)

    def ok(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> str:
        """Run compatbuild, which must succeed, and return what it printed."""
        ended = self.run(*arguments, stdin=stdin, **environment)
        assert ended.code == 0, ended.err
        return ended.out

    def json(self, *arguments: str | Path) -> Any:
        """Run compatbuild, which must succeed, for a JSON result."""
        return json.loads(self.ok(*arguments, "-o", "json"))

    def peer(self, name: str, *arguments: str | Path) -> str:
        """Run a peer, which must succeed, and return what it printed."""
        ended = self.asks(name, *arguments)
        assert ended.code == 0, ended.out + ended.err
        return ended.out

    def asks(self, name: str, *arguments: str | Path) -> Ended:
        """Run a peer that may refuse."""
        return self._run([peer(name), *arguments], b"", {})

    def _run(self, command: Sequence[str | Path], stdin: bytes, environment: dict[str, str]) -> Ended:
        told = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command,
            input=stdin,
            cwd=self.directory,
            env=told | {"COSIGN_PASSWORD": PASSWORD, **environment},
            capture_output=True,
            check=False,
            timeout=DEADLINE,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(directory: Path) -> Shell:
    """Make the directories of a shell below one that exists."""
    for name in ("work", "home"):
        (directory / name).mkdir()
    return Shell(directory / "work", directory / "home")


@contextmanager
def registry(kind: str) -> Iterator[str]:
    """Run a registry, and give its ``host:port``."""
    with REGISTRIES[kind]() as address:
        yield address


def push(run: Shell, layout: Path, address: str, name: str, tag: str = "v1") -> str:
    """Push the image of a layout with oras, which copies indexes too, and return how it is called."""
    reference = f"{address}/{name}:{tag}"
    run.peer("oras", "cp", "--recursive", "--from-oci-layout", "--to-plain-http", f"{layout}:{tag}", reference)
    return reference
