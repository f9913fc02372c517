from __future__ import annotations

from pathlib import Path

import pytest

from compatbuild.sources.skopeo_dir import MARK, is_skopeo_dir


@pytest.fixture
def form(tmp_path: Path) -> Path:
    (tmp_path / "version").write_bytes(MARK + b" 1.1\n")
    (tmp_path / "manifest.json").write_text("{}")
    return tmp_path


def test_files_alone_are_the_form(form: Path) -> None:
    (form / ("0" * 64)).write_bytes(b"blob")
    assert is_skopeo_dir(form)


def test_a_root_that_holds_the_two_names_is_a_root(form: Path) -> None:
    (form / "usr").mkdir()
    assert not is_skopeo_dir(form)


def test_links_are_not_followed(form: Path) -> None:
    (form / "version").rename(form.parent / "elsewhere")
    (form / "version").symlink_to(form.parent / "elsewhere")
    assert not is_skopeo_dir(form)
