"""How commands end when something outside them goes wrong: an interrupt, a full disk, a directory nobody may write."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import ROOT, Cli
from tests.unit.cli.test_errors import three_lines


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A registry that takes a call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("command", ["infer", "publish", "check"])
def test_ctrl_c_ends_with_130_and_says_nothing(silent_server: str, command: str) -> None:
    code, rest = interrupted(command, silent_server)
    assert (code, rest) == (130, b"")


def interrupted(command: str, server: str) -> tuple[int, bytes]:
    """Interrupt a command while it waits for a registry's answer."""
    code = (
        "import os, signal, sys, threading, socket\n"
        "real = socket.socket.connect\n"
        "def connect(self, address):\n"
        "    real(self, address)\n"
        "    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "socket.socket.connect = connect\n"
        "from compatbuild.cli.app import main\n"
        "main()\n"
    )
    name = f"{server}/team/app:1"
    arguments = [command, f"registry:{name}" if command == "infer" else name, "-q"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, check=False)
    return done.returncode, done.stderr


def test_a_full_disk_says_to_make_room(cli: Cli, image: str) -> None:
    result = cli("infer", image, "-o", "table=/dev/full", "-q")
    assert result.code == 1
    assert three_lines(result) == (
        "cannot write /dev/full",
        "No space left on device",
        "make room, or write it elsewhere",
    )


def test_a_file_that_cannot_be_written(cli: Cli, image: str) -> None:
    Path("file").touch()
    told = json.loads(cli("infer", image, "-q", "-o", "json=file/report.json").err)
    assert (told["what"], told["exit_code"]) == ("cannot write file/report.json", 1)


def test_init_where_nobody_can_write(cli: Cli) -> None:
    Path("file").touch()
    what, why, _ = three_lines(cli("init", "file"))
    assert what == "cannot write into file"
    assert why == "File exists"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["infr"], "infer"), (["key", "generat"], "generate"), (["infer", "--platfrm", "x"], "--platform")],
)
def test_what_is_misspelt_is_recognised(cli: Cli, typed: list[str], meant: str) -> None:
    result = cli(*typed)
    assert result.code == 2
    assert meant in three_lines(result)[0]


def test_an_option_without_its_value_has_three_lines_too(cli: Cli) -> None:
    assert three_lines(cli("infer", "--platform"))[0] == "Option '--platform' requires an argument"
