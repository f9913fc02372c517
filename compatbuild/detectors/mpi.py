"""Which MPI the image holds or expects: facts only, because no NFD feature says what MPI a host has."""

import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._sonames import needed, own_name
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.mpi import Mpi, MpiLibrary
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Evidence, Finding

_LIBRARIES = "/**/libmpi*.so*"
OPEN_MPI = Marker(
    "mpi.open-mpi", b"%s:version:full\0", _LIBRARIES, rb"full\0v?(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)[a-z0-9]{0,8}\0"
)
"""The version beside the key that ompi_info prints; "Open MPI v" itself is a format string (4.1.4, 5.0.11)."""

OPEN_MPI_SYMBOL = Marker("mpi.open-mpi-symbol", b"ompi_mpi_comm_world\0", _LIBRARIES)
"""What tells an Open MPI 1.8 to 1.10 from an MPICH of the same soname."""

VENDORS = {
    Marker("mpi.intel", b"Intel(R) MPI Library, Version", _LIBRARIES): "Intel MPI",
    Marker("mpi.mpich", b"MPICH Version:", _LIBRARIES): "MPICH",
    OPEN_MPI: "Open MPI",
}
"""What the libraries print about themselves (impi-rt 2021.19, mpich 4.0.2 and 5.0.2, Open MPI 4.1.4 and 5.0.11)."""

STANDARD_ABI = "MPI ABI"
_UPSTREAM = re.compile(r"(?:\d+:)?(\d{1,4}(?:\.\d{1,4}){1,2}(?:rc\d+)?)")


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the MPI libraries of the image, or the one its programs expect from outside."""
    libraries: dict[str, list[tuple[str, ElfFacts]]] = {}
    for path, elf in view.elves():
        if (own := own_name(path, elf)) in knowledge.mpi.sonames:
            libraries.setdefault(own, []).append((path, elf))
    families = {knowledge.mpi.sonames[soname].value.family for soname in libraries}
    for soname, files in sorted(libraries.items()):
        if knowledge.mpi.sonames[soname].value.family != STANDARD_ABI or families == {STANDARD_ABI}:
            yield _library(view, soname, files, knowledge.mpi)
    yield from _process_managers(view, [file for files in libraries.values() for file in files], knowledge.mpi)
    if not libraries:
        yield from _from_host(view, knowledge.mpi)


def _library(view: DetectorView, soname: str, files: list[tuple[str, ElfFacts]], mpi: Mpi) -> Finding:
    row = _row(soname, files, mpi)
    vendor = row.value.vendor or _vendor(files)
    version, proof = _version(view, files, vendor, mpi)
    uses = [
        Use(view.confidence(path, row.grade.ceiling), view.at(path, f"The library's soname is {soname}", "DT_SONAME"))
        for path, _ in files
    ]
    confidence, evidence = together(uses)
    facts = {"mpi.family": row.value.family, "mpi.soname": soname, "mpi.vendor": vendor, "mpi.version": version}
    return Finding(
        id="mpi.library",
        title=" ".join(word for word in (vendor or "MPI", version, f"of the {row.value.family} family") if word),
        confidence=confidence,
        facts={name: value for name, value in facts.items() if value},
        evidence=evidence + proof,
    )


def _row(soname: str, files: list[tuple[str, ElfFacts]], mpi: Mpi) -> Row[MpiLibrary]:
    """Return what is known of a soname; a symbol shows the old releases of Open MPI that had MPICH's."""
    old = mpi.old_open_mpi.get(soname)
    return old if old and any(OPEN_MPI_SYMBOL.id in elf.markers for _, elf in files) else mpi.sonames[soname]


def _vendor(files: list[tuple[str, ElfFacts]]) -> str:
    found = [name for marker, name in VENDORS.items() if any(marker.id in elf.markers for _, elf in files)]
    return found[0] if found else ""


def _version(
    view: DetectorView, files: list[tuple[str, ElfFacts]], vendor: str, mpi: Mpi
) -> tuple[str, tuple[Evidence, ...]]:
    """Return the version that the library states, else that of the implementation's package, and what says so."""
    for path, elf in files:
        if groups := elf.markers.get(OPEN_MPI.id):
            return groups[0], (view.at(path, f"The library says version {groups[0]}", "version:full"),)
    for package in view.packages():
        row = mpi.packages.get(f"{package.ecosystem}:{package.name}")
        match = _UPSTREAM.match(package.version)
        if row and match and row.value == vendor:
            told = f"Package {package.name} {package.version} is installed"
            return match[1], (view.at(package.path, told, package.name),)
    return "", ()


def _process_managers(view: DetectorView, files: list[tuple[str, ElfFacts]], mpi: Mpi) -> Iterator[Finding]:
    uses: list[Use] = []
    names: set[str] = set()
    for path, elf in files:
        for name in set(needed(elf)) & mpi.process_managers.keys():
            row = mpi.process_managers[name]
            names.add(row.value)
            uses.append(Use(view.confidence(path, row.grade.ceiling), view.at(path, f"It needs {name}", "DT_NEEDED")))
    if uses:
        confidence, evidence = together(uses)
        yield Finding(
            id="mpi.pmi",
            title=f"Processes are started through {', '.join(sorted(names))}",
            confidence=confidence,
            facts={"mpi.pmi": sorted(names)},
            evidence=evidence,
        )


def _from_host(view: DetectorView, mpi: Mpi) -> Iterator[Finding]:
    """Yield the family that programs need while no MPI is in the image; one of several is a hint and no fact."""
    uses: list[Use] = []
    asked: dict[str, str] = {}
    for path, elf in view.elves():
        for name in set(needed(elf)) & mpi.sonames.keys():
            row = mpi.sonames[name]
            asked[name] = row.value.family
            ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
            uses.append(Use(view.confidence(path, ceiling), view.at(path, f"It needs {name}", "DT_NEEDED")))
    if not uses:
        return
    families = sorted(set(asked.values()))
    single = len(asked) == 1
    confidence, evidence = together(uses)
    yield Finding(
        id="mpi.from-host",
        title=f"MPI of the {' or '.join(families)} family is expected from outside the image",
        confidence=confidence if single else Confidence.HINT,
        facts={"mpi.family": families[0], "mpi.soname": next(iter(asked))} if single else {},
        evidence=evidence,
    )


DETECTOR = Detector(
    id="mpi",
    title="MPI implementation and ABI family",
    interests=Interests(markers=(*VENDORS, OPEN_MPI_SYMBOL), elf=True, packages=True),
    detect=detect,
    facts=("mpi.family", "mpi.vendor", "mpi.version", "mpi.soname", "mpi.pmi"),
)
