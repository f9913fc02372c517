"""Wheels: the pins, the cache, and the layout of an installation against pip's own."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.assemble import REQUIREMENTS
from demo.machine import DemoError
from demo.tree import File, Tree
from demo.wheels import Environment, fetch, installed, read_pins

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
ENVIRONMENT = Environment("/opt/venv", VERSION)
FILES = {
    "toy/__init__.py": b"def main():\n    return 0\n",
    "toy-1.0.data/data/lib/libtoy.so.1": b"\x7fELF",
    "toy-1.0.data/data/bin/toy-native": b"\x7fELF",
    "toy-1.0.data/headers/toy.h": b"#pragma once\n",
    "toy-1.0.data/purelib/toy_pure.py": b"",
    "toy-1.0.data/scripts/toy-script": b"#!python\nprint('toy')\n",
    "toy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
    "toy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "toy-1.0.dist-info/entry_points.txt": b"[console_scripts]\nToy = toy:main\n\n[other]\nname = toy\n",
}


def row(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "index" / "toy-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in FILES.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o100755 if name.endswith("native") else 0o100644) << 16
            archive.writestr(info, data)
        record = "".join(row(name, data) for name, data in FILES.items())
        archive.writestr("toy-1.0.dist-info/RECORD", f"{record}toy-1.0.dist-info/RECORD,,\n")
    return path


@pytest.fixture
def requirements(wheel: Path, tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(f"# a comment\ntoy==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return path


def content(tree: Tree, path: str) -> bytes:
    entry = tree[path]
    assert isinstance(entry, File)
    return entry.read()


def test_files_go_where_pip_puts_them(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    command += ["--ignore-installed", "--root", str(tmp_path / "root"), "--prefix", "/opt/venv", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    theirs = {f"/{path.relative_to(tmp_path / 'root')}" for path in (tmp_path / "root").rglob("*") if path.is_file()}
    ours = installed(wheel, ENVIRONMENT)
    said_of_the_call = ("/direct_url.json", "/REQUESTED")
    assert set(ours) == {path for path in theirs if not path.endswith(said_of_the_call)}
    executable = {path for path in theirs if (tmp_path / "root" / path[1:]).stat().st_mode & 0o100}
    assert {path for path, entry in ours.items() if isinstance(entry, File) and entry.executable} == executable


def test_record_tells_the_truth(wheel: Path) -> None:
    tree = installed(wheel, ENVIRONMENT)
    site = ENVIRONMENT.site_packages
    rows = {
        name: (digest, size)
        for name, digest, size in csv.reader(io.StringIO(content(tree, f"{site}/toy-1.0.dist-info/RECORD").decode()))
    }
    assert rows.pop("toy-1.0.dist-info/RECORD") == ("", "")
    assert "../../libtoy.so.1" in rows
    assert "../../../bin/Toy" in rows
    assert len(rows) == len(tree) - 1
    script = content(tree, "/opt/venv/bin/toy-script")
    assert ",".join(("../../../bin/toy-script", *rows["../../../bin/toy-script"])) + "\n" == row(
        "../../../bin/toy-script", script
    )


def test_scripts_start_the_interpreter_of_the_environment(wheel: Path) -> None:
    tree = installed(wheel, ENVIRONMENT)
    assert content(tree, "/opt/venv/bin/toy-script") == b"#!/opt/venv/bin/python3\nprint('toy')\n"
    assert content(tree, "/opt/venv/bin/Toy").startswith(b"#!/opt/venv/bin/python3\nimport sys\nfrom toy import main\n")
    assert content(tree, "/opt/venv/bin/toy-native") == b"\x7fELF"


def test_what_is_pinned_is_fetched_once(
    wheel: Path, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    (first,) = fetch(requirements, tmp_path / "cache")
    assert first.parent == tmp_path / "cache"
    wheel.unlink()
    assert fetch(requirements, tmp_path / "cache") == [first]


def test_a_wheel_that_was_changed_is_not_used(
    wheel: Path, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / wheel.name).write_bytes(wheel.read_bytes() + b"\0")
    (fetched,) = fetch(requirements, tmp_path / "cache")
    assert fetched.read_bytes() == wheel.read_bytes()


def test_a_wheel_with_another_digest_is_refused(
    wheel: Path, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(DemoError, match="could not be downloaded"):
        fetch(requirements, tmp_path / "cache")


def test_no_index_is_said_in_three_lines(requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "cache"))
    with pytest.raises(DemoError) as caught:
        fetch(requirements, tmp_path / "cache")
    assert len(str(caught.value).splitlines()) == 3
    assert "toy==1.0" in caught.value.why


def test_the_demo_pins_every_wheel_for_every_python() -> None:
    pins = {pin.name: pin for pin in read_pins(REQUIREMENTS)}
    assert set(pins) == {"numpy", "nvidia-cuda-runtime-cu12", "jax-cuda12-plugin", "mpich", "mpi4py"}
    assert {name for name, pin in pins.items() if len(pin.digests) == 4} == {"numpy", "jax-cuda12-plugin", "mpi4py"}
    assert {name for name, pin in pins.items() if len(pin.digests) == 1} == {"nvidia-cuda-runtime-cu12", "mpich"}
