"""The command line called in this process, in a directory of its own and with an environment that says nothing."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from compatbuild.cli import app, settings
from tests.builders.programs import write_image

ROOT = Path(__file__).parents[3]
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""A program that runs another one on a terminal of its own, and passes on what is typed and shown."""


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What was printed as JSON on stdout."""
        return json.loads(self.out)


Cli: TypeAlias = Callable[..., Result]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("COMPATBUILD_")]:
        monkeypatch.delenv(name)
    for name in ("SOURCE_DATE_EPOCH", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMPATBUILD_NO_CACHE", "1")
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
        settings.settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["compatbuild", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = app.run()
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def image() -> str:
    """An image that needs CUDA 12, as an OCI layout in the working directory."""
    write_image(Path("image"))
    return "oci-dir:image:v1"


@pytest.fixture
def keys(cli: Cli) -> tuple[Path, Path]:
    assert cli("key", "generate").code == 0
    return Path("cosign.key"), Path("cosign.pub")
