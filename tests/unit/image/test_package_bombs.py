"""Package databases that are made to take long, or that made a reader fail."""

import random
import struct

from compatbuild.image import packages
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import Package
from tests.hostile.databases import PARAGRAPH, SQLITE, damaged, recorded

STATUS = "/var/lib/dpkg/status"
APK = "/lib/apk/db/installed"


def installed(path: str, content: bytes) -> packages.Installed:
    return packages.installed({path}, {path: content}, DEFAULT)


def test_blank_lines_are_gone_past_at_once() -> None:
    """One match a line took half a minute for a file of blank lines that is within the limits."""
    blanks = b"\n" * 8_000_000
    found = installed(STATUS, PARAGRAPH % 1 + blanks + b" \t\n" * 100_000 + PARAGRAPH % 2)
    assert [one.name for one in found.packages] == ["p1", "p2"]
    assert [one.name for one in installed(APK, b"P:a\nV:1\n" + blanks + b"P:b\nV:2").packages] == ["a", "b"]


def test_blanks_before_a_field_do_not_make_it_one() -> None:
    text = b"Package: a\nStatus: install ok installed\nVersion: 1\n\n \n  Version: 2\nPackage: b\nVersion: 3\n \t\n"
    assert installed(STATUS, text).packages == (
        Package("deb", "a", "1", STATUS),
        Package("deb", "b", "3", STATUS),
    )


def test_of_a_damaged_database_the_sound_packages_are_read() -> None:
    found = installed(f"/{SQLITE}", damaged("rpmdb.sqlite", 4000))
    assert "damaged" in found.skipped[0][1]


def test_a_database_of_pages_that_lead_to_each_other_is_read_once() -> None:
    content = bytearray(recorded("rpmdb.sqlite"))
    pages = len(content) // 4096
    for number in range(2, pages + 1):  # inner pages of two children each: the next and the first
        page = struct.pack(">BHHHBI", 5, 0, 1, 4000, 0, number % pages + 1) + struct.pack(">H", 4000)
        content[(number - 1) * 4096 : number * 4096] = page.ljust(4000, b"\0") + struct.pack(">I", 2).ljust(96, b"\0")
    found = installed(f"/{SQLITE}", bytes(content))
    assert found.packages == ()
    assert "damaged" in found.skipped[0][1]


def test_one_database_of_more_packages_than_are_read_is_not_read_to_its_end() -> None:
    numbers = list(range(2_000))
    random.Random(1).shuffle(numbers)
    limits = DEFAULT.stated({"packages": "100"})
    found = packages.installed({STATUS}, {STATUS: b"".join(PARAGRAPH % n for n in numbers)}, limits)
    assert len(found.packages) == 101
    assert "more than 100 packages" in found.limits[0]
