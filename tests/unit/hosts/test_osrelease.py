"""Kernel releases and os-release as NFD publishes them: the rows are those that NFD's own functions gave."""

import pytest

from compatbuild.hosts.osrelease import kernel_version, os_release, parse_os_release


@pytest.mark.parametrize(
    ("release", "full", "parts"),
    [
        ("5.14.0-427.13.1.el9_4.x86_64", "5.14.0-427.13.1.el9_4.x86_64", ("5", "14", "0")),
        ("6.1.75+", "6.1.75", ("6", "1", "75")),
        ("6.8", "6.8", ("6", "8", "")),
        ("6.8.0-45-generic", "6.8.0-45-generic", ("6", "8", "0")),
        ("6.6.57.1-8.azl3", "6.6.57.1-8.azl3", None),
        ("6.12.38+deb13-amd64", "6.12.38_deb13-amd64", None),
        ("5.15.153.1-microsoft-standard-WSL2", "5.15.153.1-microsoft-standard-WSL2", None),
        ("6.6.51+rpt-rpi-v8", "6.6.51_rpt-rpi-v8", None),
        ("-_.6.1._-", "6.1", ("6", "1", "")),
    ],
)
def test_a_kernel_release(release: str, full: str, parts: tuple[str, str, str] | None) -> None:
    expected = {} if parts is None else dict(zip(("major", "minor", "revision"), parts, strict=True))
    assert kernel_version(release) == {"full": full, **expected}


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("9.4", {"major": "9", "minor": "4"}),
        ("12", {"major": "12"}),
        ("24.04.1", {"major": "24", "minor": "04"}),
        ("v1.14.0", {}),
        ("15-SP6", {}),
        ("", {}),
    ],
)
def test_a_version_id(version: str, parts: dict[str, str]) -> None:
    expected = {f"VERSION_ID.{name}": value for name, value in parts.items()}
    assert os_release({"VERSION_ID": version}) == {"VERSION_ID": version, **expected}


def test_an_os_release_file() -> None:
    text = "ID=photon\nNAME=\"VMware Photon OS\"\nQ='it''s'\nEMPTY=\n # no\nBROKEN LINE\n"
    assert parse_os_release(text) == {"ID": "photon", "NAME": "VMware Photon OS", "Q": "it''s"}
