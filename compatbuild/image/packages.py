"""The package databases of an image, all kinds together."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from compatbuild.image import pkg_apk, pkg_dpkg, pkg_pypi, pkg_rpm
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.view import Package

_Reads = Callable[[str], bool]
_Read = Callable[[str, bytes], Iterator[Package]]
_KINDS: tuple[tuple[_Reads, _Read], ...] = (
    (pkg_dpkg.reads, pkg_dpkg.read),
    (pkg_apk.reads, pkg_apk.read),
    (pkg_rpm.reads, pkg_rpm.read),
    (pkg_pypi.reads, pkg_pypi.read),
)


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed, sorted; ``skipped`` are databases that were not read (what, why), ``limits`` what was cut."""

    packages: tuple[Package, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie, and how much of each is kept."""
    return tuple(interest for kind in (pkg_dpkg, pkg_apk, pkg_rpm, pkg_pypi) for interest in kind.files(limits))


def is_database(path: str) -> bool:
    """Say whether a file is a package database."""
    return any(reads(path) for reads, _ in _KINDS)


def installed(paths: Container[str], files: Mapping[str, bytes], limits: Limits) -> Installed:
    """Read every database among the kept files; ``paths`` are all paths of the image."""
    found: set[Package] = set()
    skipped = [("packages", why) for why in _not_read(paths)]
    for path in sorted(files):
        for reads, read in _KINDS:
            if reads(path):
                try:
                    found.update(read(path, files[path]))
                except pkg_rpm.UnreadableError as error:
                    skipped.append(("packages", f"{path} cannot be read: {error}"))
        if len(found) > limits.packages:
            cut = f"more than {limits.packages:,} packages: databases from {path} on are not read"
            return Installed(_sorted(found), tuple(skipped), (cut,))
    return Installed(_sorted(found), tuple(skipped))


def _sorted(found: set[Package]) -> tuple[Package, ...]:
    return tuple(sorted(found, key=lambda p: (p.ecosystem, p.name, p.version, p.architecture, p.path)))


def _not_read(paths: Container[str]) -> Iterator[str]:
    """Name the RPM databases in formats that are not read, where there is none that is."""
    for directory in pkg_rpm.DIRECTORIES:
        if f"{directory}rpmdb.sqlite" not in paths:
            for name, kind in pkg_rpm.OTHER_FORMATS.items():
                if directory + name in paths:
                    yield f"{directory}{name} is an RPM database in {kind} format, of which nothing is read"
