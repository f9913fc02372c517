"""Servers whose packages are compiled for later processors, such as MongoDB."""

import posixpath
from collections.abc import Iterator

from compatbuild.detectors._cpu.claims import Claim, claims_of, native
from compatbuild.detectors._uses import Use, weakest
from compatbuild.detectors._versions import at_least
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView, Package
from compatbuild.knowledge.cpu import Cpu, ServerNeed
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

INTERESTS = Interests(elf=True, packages=True, config=("architecture",))


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the programs of installed packages need, likely at most: it is by the package's name and version."""
    for package in view.packages(*cpu.servers):
        row = cpu.servers[package.name]
        needs = row.value.needs.get(view.config("architecture"), ())
        if at_least(package.version, row.value.since):
            for use in _uses(view, package, row):
                yield from claims_of(needs, use)


def _uses(view: DetectorView, package: Package, row: Row[ServerNeed]) -> Iterator[Use]:
    ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
    told = f"Package {package.name} {package.version} is installed"
    present = Confidence.HINT if view.entrypoint_known else ceiling
    yield Use(present, view.at(package.path, told, package.name))
    for path, _ in native(view):
        if posixpath.basename(path) in row.value.programs:
            yield Use(
                view.confidence(path, ceiling), view.at(path, f"The program is of {package.name} {package.version}")
            )
