"""The package databases of an image, all kinds together."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from compatbuild.image import pkg_apk, pkg_conda, pkg_dpkg, pkg_pypi, pkg_rpm, pkg_spack
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import Limits
from compatbuild.image.pkg_rpm_database import UnreadableError
from compatbuild.image.view import Package

_Reads = Callable[[str], bool]
_Read = Callable[[str, bytes], Iterator[Package]]
_KINDS = (pkg_dpkg, pkg_apk, pkg_rpm, pkg_pypi, pkg_conda, pkg_spack)
_READERS: tuple[tuple[_Reads, _Read], ...] = tuple((kind.reads, kind.read) for kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed, sorted; ``skipped`` are databases that were not read (what, why), ``limits`` what was cut."""

    packages: tuple[Package, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the databases lie, and how much of each is kept."""
    return tuple(interest for kind in _KINDS for interest in kind.files(limits))


def is_database(path: str) -> bool:
    """Say whether a file is a package database."""
    return any(reads(path) for reads, _ in _READERS)


def installed(paths: Container[str], files: Mapping[str, bytes], limits: Limits) -> Installed:
    """Read every database among the kept files; ``paths`` are all paths of the image."""
    found: set[Package] = set()
    skipped: list[tuple[str, str]] = []
    for path in sorted(files):
        for reads, read in _READERS:
            if reads(path) and not pkg_rpm.superseded(path, paths):
                try:
                    for package in read(path, files[path]):
                        found.add(package)
                        if len(found) > limits.packages:
                            break
                except UnreadableError as error:
                    skipped.append(("packages", f"{path} cannot be read: {error}"))
        if len(found) > limits.packages:
            cut = f"more than {limits.packages:,} packages: the others in {path} and later databases are left out"
            return Installed(_sorted(found), tuple(skipped), (cut,))
    return Installed(_sorted(found), tuple(skipped))


def _sorted(found: set[Package]) -> tuple[Package, ...]:
    return tuple(sorted(found, key=lambda p: (p.ecosystem, p.name, p.version, p.architecture, p.path)))
