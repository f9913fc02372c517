"""The demo's no: three lines, on any machine the pinned wheels are not built for."""

import os
import platform
import sys
from pathlib import Path

import pytest

from demo import assemble
from demo.machine import DemoError, require_platform


def test_this_machine_will_do() -> None:
    require_platform()


@pytest.mark.parametrize("machine", ["aarch64", "riscv64", "i686"])
def test_another_processor_will_not(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(DemoError) as caught:
        require_platform()
    assert len(str(caught.value).splitlines()) == 3


def test_another_system_will_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(DemoError):
        require_platform()


def test_another_c_library_will_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr_names", {})
    with pytest.raises(DemoError, match="cannot be assembled"):
        require_platform()


def test_a_place_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(assemble, "fetch", lambda *_: [])
    (tmp_path / "file").touch()
    assert assemble.main([f"{tmp_path}/file/image"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 3
    assert f"{tmp_path}/file/image" in err


def test_the_command_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert assemble.main([f"{tmp_path}/image"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 3
