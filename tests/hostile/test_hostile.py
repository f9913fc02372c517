"""Every image made to harm is answered as expected: in this process, and a few in one of their own under limits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from compatbuild.cli import app, settings
from tests.hostile.__main__ import MOST_BYTES, run
from tests.hostile.answer import wrong
from tests.hostile.corpus import CASES, FAMILIES

UNDER_LIMITS = (
    "tar-pax-bomb",
    "gzip-bomb",
    "gzip-empty-members",
    "zstd-window",
    "digest-layer",
    "layers-same",
)
"""Cases that ask for memory in different ways."""


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert sum(len(family.CASES) for family in FAMILIES) == len(CASES) >= 90


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(120)
def test_the_answer_is_the_expected_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    case.make(tmp_path / "image")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compatbuild", "infer", "oci-dir:image", "-o", "json", *case.options])
    settings.settings.cache_clear()
    code = app.run()
    assert not wrong(case, code, *capsys.readouterr())
    assert list(tmp_path.iterdir()) == [tmp_path / "image"]


@pytest.mark.parametrize("name", UNDER_LIMITS)
@pytest.mark.timeout(120)
def test_memory_stays_bounded(name: str, tmp_path: Path) -> None:
    ran = run(CASES[name], tmp_path)
    assert not ran.why
    assert ran.memory <= MOST_BYTES
