"""The part of a dpkg database that speaks of copied files."""

from pathlib import Path

import pytest

from demo import dpkg

STATUS = """\
Package: zlib1g
Architecture: amd64
Version: 1:1.2.13
Description: compression library
 Package: a line of prose, not a field

Package: libc6
Architecture: amd64
Version: 2.36-9

Package: dash
Architecture: amd64
Version: 0.5.12
"""


@pytest.fixture
def admin(tmp_path: Path) -> Path:
    (tmp_path / "info").mkdir()
    (tmp_path / "status").write_text(STATUS)
    (tmp_path / "info" / "zlib1g:amd64.list").write_text("/.\n/lib/x86_64-linux-gnu/libz.so.1\n")
    (tmp_path / "info" / "libc6:amd64.list").write_text("/usr/lib/x86_64-linux-gnu/libc.so.6\n")
    (tmp_path / "info" / "dash.list").write_text("/bin/dash\n/bin/sh\n")
    return tmp_path


def packages(status: str | None) -> list[str]:
    assert status is not None
    return [line for line in status.splitlines() if line.startswith("Package: ")]


def test_only_owners_of_copied_files_are_kept(admin: Path) -> None:
    kept = dpkg.status([Path("/usr/lib/x86_64-linux-gnu/libc.so.6"), Path("/opt/nobody")], admin)
    assert packages(kept) == ["Package: libc6"]
    assert kept is not None
    assert kept.endswith("Version: 2.36-9\n\n")


def test_a_merged_directory_is_seen_through(admin: Path) -> None:
    files = [Path("/usr/lib/x86_64-linux-gnu/libz.so.1"), Path("/usr/bin/dash")]
    assert packages(dpkg.status(files, admin, merged=("bin", "lib"))) == ["Package: zlib1g", "Package: dash"]
    assert dpkg.status(files, admin) == ""


def test_a_machine_without_dpkg_has_no_database(tmp_path: Path) -> None:
    assert dpkg.status([Path("/bin/sh")], tmp_path) is None
