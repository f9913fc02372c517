"""RPM's databases in Berkeley DB, NDB and SQLite, as rpm itself wrote them, whole and damaged."""

import lzma
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compatbuild.image import packages, pkg_rpm_bdb, pkg_rpm_ndb
from compatbuild.image.limits import DEFAULT
from compatbuild.image.pkg_rpm_database import UnreadableError
from compatbuild.image.pkg_rpm_header import tags
from compatbuild.image.view import Package

RECORDED = Path(__file__).parent / "recorded" / "rpm"
PATHS = {
    "Packages": "/var/lib/rpm/Packages",
    "Packages-big-endian": "/var/lib/rpm/Packages",
    "Packages.db": "/usr/lib/sysimage/rpm/Packages.db",
    "rpmdb.sqlite": "/var/lib/rpm/rpmdb.sqlite",
}
BDB, NDB = PATHS["Packages"], PATHS["Packages.db"]


def recorded(name: str) -> bytes:
    return lzma.decompress((RECORDED / f"{name}.xz").read_bytes())


def installed(path: str, content: bytes) -> packages.Installed:
    return packages.installed({path}, {path: content}, DEFAULT)


def patched(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def names(found: packages.Installed) -> set[str]:
    return {package.name for package in found.packages}


def queried(path: str) -> Iterator[Package]:
    """Yield what rpm itself says is installed."""
    for line in (RECORDED / "query.txt").read_text().splitlines():
        name, epoch, version, release, architecture = line.split("|")
        yield Package("rpm", name, f"{epoch}:".removeprefix("0:") + f"{version}-{release}", path, architecture)


@pytest.mark.parametrize("name", PATHS)
def test_what_is_read_is_what_rpm_says(name: str) -> None:
    found = installed(PATHS[name], recorded(name))
    assert set(found.packages) == set(queried(PATHS[name]))
    assert found.skipped == ()


@pytest.mark.parametrize("read", [pkg_rpm_bdb.headers, pkg_rpm_ndb.headers])
@pytest.mark.parametrize("content", [b"", b"RpmP", bytes(4096), b"\xff" * 4096])
def test_what_is_no_database_is_refused(read: Callable[[bytes], Iterator[bytes]], content: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(read(content))


@pytest.mark.parametrize("name", ["Packages", "Packages-big-endian"])
def test_a_berkeley_database_cut_short_gives_what_is_there_and_says_so(name: str) -> None:
    content = recorded(name)
    found = installed(BDB, content[: len(content) * 2 // 3])
    assert 0 < len(found.packages) < 21
    assert "damaged, or it is cut short" in found.skipped[0][1]


def test_a_berkeley_tree_and_an_unknown_version_are_refused_by_name() -> None:
    content = recorded("Packages")
    tree = patched(content, 12, struct.pack("<I", pkg_rpm_bdb.BTREE_MAGIC))
    assert "tree" in installed(BDB, tree).skipped[0][1]
    assert "version 3" in installed(BDB, patched(content, 16, struct.pack("<I", 3))).skipped[0][1]
    assert installed(BDB, patched(content, 20, struct.pack("<I", 1000))).packages == ()


def test_a_chain_of_pages_that_loops_ends() -> None:
    content = recorded("Packages")
    size = 4096
    chains = [at for at in range(size, len(content), size) if content[at + 25] == 7]
    looped = content
    for at in chains:
        looped = patched(looped, at + 16, struct.pack("<I", at // size))
    found = installed(BDB, looped)
    assert "kernel-core" not in names(found)
    assert "damaged" in found.skipped[0][1]


def test_a_berkeley_page_that_is_not_where_it_says_it_is_holds_nothing() -> None:
    content = recorded("Packages")
    hashes = [at for at in range(4096, len(content), 4096) if content[at + 25] in (2, 13)]
    for at in hashes:
        content = patched(content, at + 8, struct.pack("<I", 0xFFFF))
    assert installed(BDB, content).packages == ()


def test_an_item_on_a_berkeley_page_that_points_elsewhere_is_damage() -> None:
    content = recorded("Packages")
    at = next(at for at in range(4096, len(content), 4096) if content[at + 25] in (2, 13) and content[at + 20])
    last = at + 26 + 2 * (content[at + 20] - 1)
    found = installed(BDB, patched(content, last, b"\xff\xff"))
    assert len(found.packages) == 20
    assert found.skipped


def slots(content: bytes) -> list[int]:
    """Return where the slots in use are."""
    return [at for at in range(32, 4096, 16) if struct.unpack_from("<I", content, at + 8)[0]]


@pytest.mark.parametrize(
    ("offset", "new"),
    [(4, 9999), (8, 1), (8, 0xFFFFFFFF), (12, 0), (12, 1), (12, 0x0FFFFFFF)],
    ids=["number", "block", "far", "none", "short", "long"],
)
def test_a_slot_that_points_at_no_blob_hides_no_other(offset: int, new: int) -> None:
    content = recorded("Packages.db")
    found = installed(NDB, patched(content, slots(content)[0] + offset, struct.pack("<I", new)))
    assert len(found.packages) == 20
    assert "1 of its packages are damaged" in found.skipped[0][1]


def test_slots_of_one_blob_do_not_multiply_it() -> None:
    content = recorded("Packages.db")
    first = max(slots(content), key=lambda at: struct.unpack_from("<I", content, at + 12)[0])
    slot = content[first : first + 16]
    for at in slots(content):
        content = patched(content, at, slot)
    assert "overlap" in installed(NDB, content).skipped[0][1]


def test_an_ndb_cut_within_its_table_is_refused() -> None:
    assert "cut short" in installed(NDB, recorded("Packages.db")[:2000]).skipped[0][1]
    assert "table" in installed(NDB, patched(recorded("Packages.db"), 48, b"Slut")).skipped[0][1]


def test_the_number_of_the_next_package_is_no_package() -> None:
    assert tags(b"\x18\0\0\0") == {}
    assert len(list(pkg_rpm_bdb.headers(recorded("Packages")))) == 22
