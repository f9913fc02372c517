"""Package databases: dpkg, distroless, apk, rpm, Python distributions, conda, Spack."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from compatbuild.image import packages
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import Package
from tests.builders.rpm import header, rpmdb

STATUS = b"""\
Package: libc6
Status: install ok installed
Priority: optional
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library: Shared libraries
 Version: 9.9 is not a field, for it is indented
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab

Package: old
Status: deinstall ok config-files
Version: 1

Package: half
Status: install ok half-installed
Version: 1

Package: bash
Status: install ok installed
Version: 5.2.15-2+b7
"""
APK = b"C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nC:Q1def=\nP:busybox\nV:1.36.1-r29\nA:x86_64\nF:bin\nR:busybox\n\nP:no-version\n\n"


def read(path: str, content: bytes) -> tuple[Package, ...]:
    return packages.installed({path}, {path: content}, DEFAULT).packages


GLIBC = {1000: "glibc", 1001: "2.34", 1002: "100.el9", 1022: "x86_64"}
BIND: dict[int, str | int] = {1000: "bind-libs", 1001: "9.16.23", 1002: "18.el9", 1003: 32, 1022: "x86_64"}


def test_dpkg_lists_what_is_installed_and_nothing_else() -> None:
    assert read("/var/lib/dpkg/status", STATUS) == (
        Package("deb", "bash", "5.2.15-2+b7", "/var/lib/dpkg/status"),
        Package("deb", "libc6", "2.36-9+deb12u10", "/var/lib/dpkg/status", "amd64"),
    )


def test_distroless_has_a_file_for_each_package() -> None:
    found = read("/var/lib/dpkg/status.d/libssl3", b"Package: libssl3\nVersion: 3.0.15-1\nArchitecture: amd64\n")
    assert [(p.name, p.version) for p in found] == [("libssl3", "3.0.15-1")]
    assert read("/var/lib/dpkg/status.d/libssl3.md5sums", b"Package: x\nVersion: 1\n") == ()


@pytest.mark.parametrize("path", ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"])
def test_apk_lists_names_versions_and_architectures(path: str) -> None:
    assert read(path, APK) == (
        Package("apk", "busybox", "1.36.1-r29", path, "x86_64"),
        Package("apk", "musl", "1.2.5-r0", path, "x86_64"),
    )


SQLITE = "/var/lib/rpm/rpmdb.sqlite"


@pytest.mark.parametrize("directory", ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"])
def test_rpm_lists_names_with_epoch_version_release(directory: str, tmp_path: Path) -> None:
    path = f"{directory}/rpmdb.sqlite"
    key = {1000: "gpg-pubkey", 1001: "8483c65d", 1002: "5ccc5b19"}
    content = rpmdb(tmp_path / "rpmdb.sqlite", header(GLIBC), header(BIND), header(key))
    assert read(path, content) == (
        Package("rpm", "bind-libs", "32:9.16.23-18.el9", path, "x86_64"),
        Package("rpm", "glibc", "2.34-100.el9", path, "x86_64"),
    )


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\xff" * 100,
        struct.pack(">II", 0xFFFF, 0),
        struct.pack(">II", 1, 5) + struct.pack(">IIII", 1000, 6, 0x7FFFFFFF, 1) + b"name\0",
        struct.pack(">II", 1, 5) + struct.pack(">IiiI", 1000, 6, -8, 1) + b"name\0",
    ],
)
def test_a_damaged_rpm_header_hides_no_other(blob: bytes, tmp_path: Path) -> None:
    content = rpmdb(tmp_path / "rpmdb.sqlite", blob, header(GLIBC))
    assert [p.name for p in read(SQLITE, content)] == ["glibc"]


@pytest.mark.parametrize("damage", ["empty", "noise", "cut", "no-table", "view"])
def test_a_database_that_cannot_be_read_is_skipped_and_named(damage: str, tmp_path: Path) -> None:
    good = rpmdb(tmp_path / "good", *[header(GLIBC)] * 500)
    endless = (
        "CREATE VIEW Packages AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT x AS blob FROM n"
    )
    content = {
        "empty": b"",
        "noise": b"SQLite format 3\0" + bytes(range(256)) * 40,
        "cut": good[:8192],
        "no-table": rpmdb(tmp_path / "none", schema="CREATE TABLE Other (blob BLOB)"),
        "view": rpmdb(tmp_path / "view", schema=endless),
    }[damage]
    path = SQLITE
    found = packages.installed({path}, {path: content}, DEFAULT)
    assert [what for what, _ in found.skipped] == ["packages"]
    assert path in found.skipped[0][1]


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
def test_an_older_rpm_database_beside_a_newer_one_is_what_a_conversion_left(name: str, tmp_path: Path) -> None:
    old, content = f"/var/lib/rpm/{name}", rpmdb(tmp_path / "rpmdb.sqlite", header(GLIBC))
    alone = packages.installed({old}, {old: b""}, DEFAULT)
    assert [old in why for _, why in alone.skipped] == [True]
    beside = packages.installed({old, SQLITE}, {old: b"", SQLITE: content}, DEFAULT)
    assert beside.skipped == ()
    assert [p.name for p in beside.packages] == ["glibc"]


@pytest.mark.parametrize(
    "path", ["/v/lib/python3.12/site-packages/x.dist-info/METADATA", "/v/x.egg-info/PKG-INFO", "/v/x.egg-info"]
)
def test_python_distributions_have_name_and_version_in_their_metadata(path: str) -> None:
    content = b"Metadata-Version: 2.4\r\nName: Nvidia.CUDA_Runtime\r\nVersion: 12.8.90\r\n\r\nName: not this\r\n"
    assert read(path, content) == (Package("pypi", "Nvidia.CUDA_Runtime", "12.8.90", path),)


def test_metadata_without_a_version_is_no_package() -> None:
    assert read("/x.dist-info/METADATA", b"Name: x\n\nVersion: 1\n") == ()


def test_other_files_are_no_databases() -> None:
    assert read("/home/status", STATUS) == ()
    assert not packages.is_database("/etc/passwd")


def test_packages_are_counted() -> None:
    path = "/var/lib/dpkg/status"
    found = packages.installed({path}, {path: STATUS}, replace(DEFAULT, packages=1))
    assert found.limits
    assert len(found.packages) == 2


def test_one_long_line_takes_no_longer_than_its_length() -> None:
    path = "/var/lib/dpkg/status"
    content = b"Package: x" + b" " * 5_000_000 + b"\nVersion: " + b"1" * 5_000_000
    assert [len(p.version) for p in read(path, content)] == [512]
