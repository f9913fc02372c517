"""An error is three lines, or one JSON object; a traceback is a bug."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compatbuild import api, errors
from compatbuild.errors import CompatError
from tests.unit.cli.conftest import ROOT, Cli, Result
from tests.unit.report.building import HOSTILE, harmless


def three_lines(result: Result) -> tuple[str, str, str]:
    """Return what, why and what to do; nothing else may have been printed."""
    assert result.out == ""
    lines = result.err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["error", "why", "try"]
    what, why, remedy = (line.partition(": ")[2] for line in lines)
    return what, why, remedy


def kinds() -> list[type[CompatError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CompatError)]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_ends_with_its_code_and_three_lines(
    kind: type[CompatError], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise kind("it failed", why="for a reason", remedy="do that")

    monkeypatch.setattr(api, "show", fails)
    result = cli("show", "oci-dir:x:v1")
    assert result.code == kind.exit_code
    assert three_lines(result) == ("it failed", "for a reason", "do that")
    told = cli("show", "oci-dir:x:v1", "-o", "json")
    assert (told.code, told.out) == (kind.exit_code, "")
    assert json.loads(told.err) == {
        "error": kind.code,
        "what": "it failed",
        "why": "for a reason",
        "remedy": "do that",
        "exit_code": kind.exit_code,
    }


@pytest.mark.parametrize(
    "flags",
    [("-o", "json"), ("-ojson",), ("--output", "json"), ("--output=json",), ("-o", "table", "-o", "json")],
    ids=" ".join,
)
def test_json_asked_for_in_any_way_makes_errors_json(cli: Cli, flags: tuple[str, ...]) -> None:
    assert json.loads(cli("show", "oci-dir:none:v1", *flags).err)["exit_code"] == 3


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (["frob"], "No such command 'frob'", "see `compatbuild --help`"),
        (
            ["show"],
            "Missing argument 'REF'",
            "for example `compatbuild show oci-dir:build/image:v1`; see `compatbuild show --help`",
        ),
        (["show", "a", "b"], "Got unexpected extra argument(s) (b)", "see `compatbuild show --help`"),
        (["show", "--frob", "a"], "No such option: --frob", "see `compatbuild show --help`"),
        (["show", "a", "-o"], "Option '-o' requires an argument", "see `compatbuild --help`"),
        (["key", "frob"], "No such command 'frob'", "see `compatbuild key --help`"),
    ],
)
def test_a_wrong_call_is_an_error_like_any_other(cli: Cli, arguments: list[str], what: str, remedy: str) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert result.err.startswith(f"error: {what}")
    assert result.err.endswith(f"try: {remedy}\n")
    assert len(result.err.splitlines()) <= 3


def test_a_wrong_call_is_json_too(cli: Cli) -> None:
    told = json.loads(cli("show", "-o", "json").err)
    assert (told["error"], told["exit_code"]) == ("usage", 2)


def test_what_was_typed_does_no_harm(cli: Cli) -> None:
    text = HOSTILE.replace("\0", "")
    for arguments in (["infer", f"oci-dir:{text}"], ["show", text, "-o", text], [text], ["detector", "explain", text]):
        told = cli(*arguments)
        assert told.code != 0
        assert harmless(told.err)
        assert len(told.err.splitlines()) <= 3


def test_an_interrupt_is_silent(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "show", interrupted)
    assert cli("show", "oci-dir:x:v1") == Result(130, "", "")


def test_what_the_system_refuses_is_no_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/root")

    monkeypatch.setattr(api, "show", refused)
    result = cli("show", "oci-dir:x:v1")
    assert result.code == 1
    assert "Permission denied" in three_lines(result)[1]


def process(command: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell line in which compatbuild is the real program."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = command.replace("compatbuild", f"{sys.executable} -m compatbuild")
    return subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["compatbuild detector list", "compatbuild --help", "compatbuild show -h"])
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    done = process(f"{command} | true; exit ${{PIPESTATUS[0]}}")
    assert done.stderr == ""
    assert done.returncode in {0, 1}


@pytest.mark.parametrize("command", ["compatbuild version", "compatbuild --help", "compatbuild detector list -o json"])
def test_a_full_disk_is_an_error_and_no_traceback(command: str) -> None:
    done = process(f"{command} > /dev/full")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_stdout_is_nobody_to_tell() -> None:
    done = process("compatbuild version >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_of_few_characters_gets_the_rest(tmp_path: Path) -> None:
    (tmp_path / "größe.yaml").write_text("x: 1\n")
    done = process(f"PYTHONIOENCODING=ascii compatbuild validate {tmp_path}/größe.yaml")
    assert done.returncode == 12
    assert "gr\\xf6\\xdfe.yaml" in done.stdout
    assert "Traceback" not in done.stderr
