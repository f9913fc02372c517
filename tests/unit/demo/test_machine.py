"""The demo's no: three lines, on any machine the pinned wheels are not built for."""

import os
import platform
import sys

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


def test_the_command_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert assemble.main([f"{tmp_path}/image"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 3
