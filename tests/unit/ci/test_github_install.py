"""How the action comes by what it depends on."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ACTION = Path(__file__).parents[3] / "github-action"


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ACTION / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(temporary: Path, python: Path | str, **environ: str) -> subprocess.CompletedProcess[str]:
    told = {"PATH": os.environ["PATH"], "HOME": str(temporary), "RUNNER_TEMP": str(temporary)}
    told |= {
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_OUTPUT": str(temporary / "output"),
        "WANTED_PYTHON": str(python),
    }
    (temporary / "output").touch()
    command: list[str | Path] = [shutil.which("bash") or "bash", ACTION / "install.sh"]
    return subprocess.run(command, env=told | environ, capture_output=True, text=True, check=False)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Python that has nothing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    return tmp_path / "bare" / "bin" / "python"


def test_every_pin_is_read(install: ModuleType) -> None:
    text = (ACTION / "requirements.lock").read_text()
    assert len(install.PIN.findall(text)) == len(re.findall(r"^[a-z].*==", text, re.MULTILINE)) > 40
    assert all(f"{name}==" in text for name in ("sigstore", "oras", "typer"))


def test_whatever_the_package_needs_is_pinned(install: ModuleType) -> None:
    """The tests' own environment has it in any case, so that nothing else would notice."""
    project = tomllib.loads((ACTION.parent / "pyproject.toml").read_text())["project"]
    pins = {
        canonicalize_name(name): version
        for name, version, _ in install.PIN.findall((ACTION / "requirements.lock").read_text())
    }
    needed = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["keyless"])]
    assert [one.name for one in needed if not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"))] == []


def test_a_python_that_has_every_pin_is_used_as_it_is(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, PIP_NO_INDEX="1")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "output").read_text() == f"python={sys.executable}\n"


def test_without_an_index_it_says_what_to_do(tmp_path: Path, bare: Path) -> None:
    done = run(tmp_path, bare, PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=compatbuild::the packages of requirements.lock cannot be installed")
    assert (tmp_path / "output").read_text() == ""


@pytest.mark.parametrize("python", ["/nonexistent/python", "ls"])
def test_a_python_that_is_none_is_refused(tmp_path: Path, python: str) -> None:
    done = run(tmp_path, python)
    assert done.returncode == 2
    assert done.stdout == "::error title=compatbuild::the input python names no Python 3.11 or later\n"


@pytest.mark.download
def test_the_pins_are_installed_once_in_a_job(tmp_path: Path, bare: Path) -> None:
    """With pip's own cache and settings, as they are on the machine: hashes decide what is taken."""
    given = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "HTTP", "HTTPS", "SSL_"))}
    given |= {"HOME": os.environ["HOME"]}
    first = run(tmp_path, bare, **given)
    assert first.returncode == 0, first.stdout + first.stderr
    again = run(tmp_path, bare, **given, PIP_NO_INDEX="1")
    assert again.returncode == 0
    python, same = re.findall(r"^python=(.*)$", (tmp_path / "output").read_text(), re.MULTILINE)
    assert python == same
    assert Path(python).is_relative_to(tmp_path)
    done = subprocess.run(
        [python, "-I", ACTION / "run.py"],
        env={"GITHUB_WORKSPACE": str(tmp_path), "INPUT_IMAGE": "oci-dir:none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, "error: none is not a directory")
