"""RPM packages: the database in any of the three formats that rpm has had, one header a package in each."""

from collections.abc import Callable, Container, Iterator

from compatbuild.image import pkg_rpm_bdb, pkg_rpm_ndb, pkg_rpm_sqlite
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.pkg_rpm_header import ARCHITECTURE, EPOCH, NAME, RELEASE, VERSION, tags
from compatbuild.image.view import Package

DIRECTORIES = ("/var/lib/rpm/", "/usr/lib/sysimage/rpm/", "/usr/share/rpm/")
"""Where distributions keep the database: classic, Fedora 36 and SUSE, image-based systems."""
FORMATS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "rpmdb.sqlite": pkg_rpm_sqlite.headers,
    "Packages.db": pkg_rpm_ndb.headers,
    "Packages": pkg_rpm_bdb.headers,
}
"""File names of the formats, the newest first: what is left of an older one after a conversion is out of date."""


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie."""
    return tuple(FileInterest(directory + name, limits.database) for directory in DIRECTORIES for name in FORMATS)


def reads(path: str) -> bool:
    """Say whether a file is a database of this kind."""
    directory, name = _split(path)
    return directory in DIRECTORIES and name in FORMATS


def superseded(path: str, paths: Container[str]) -> bool:
    """Say whether a database lies beside one in a newer format."""
    directory, name = _split(path)
    order = list(FORMATS)
    return name in FORMATS and any(directory + newer in paths for newer in order[: order.index(name)])


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a database; UnreadableError when that fails, after those that could be read."""
    for blob in FORMATS[_split(path)[1]](content):
        yield from _package(path, blob)


def _split(path: str) -> tuple[str, str]:
    directory, slash, name = path.rpartition("/")
    return directory + slash, name


def _package(path: str, blob: bytes) -> Iterator[Package]:
    """Yield the package of one header; nothing when the header is damaged or is a key that rpm trusts."""
    found = tags(blob)
    name, version, release = (str(found.get(tag, "")) for tag in (NAME, VERSION, RELEASE))
    if name and version and name != "gpg-pubkey":
        epoch = f"{found[EPOCH]}:" if found.get(EPOCH) else ""
        yield Package("rpm", name, f"{epoch}{version}-{release}", path, str(found.get(ARCHITECTURE, "")))
