"""Which MPI the image holds or expects: facts only, because no NFD feature says what MPI a host has."""

from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors import Detector
from compatbuild.detectors._mpi import MARKERS, OPEN_MPI_SYMBOL, vendor_of, version_of
from compatbuild.detectors._names import Names, answers_to, asked_of
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.detectors._versions import upstream
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.mpi import Mpi, MpiLibrary
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Evidence, Finding

STANDARD_ABI = "MPI ABI"
Files = list[tuple[str, ElfFacts]]


@dataclass(frozen=True, slots=True)
class _Library:
    """An MPI library of the image: all files of one soname, and what is known of it."""

    soname: str
    row: Row[MpiLibrary]
    files: Files


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the MPI libraries of the image, and the one its programs expect from outside."""
    libraries = _libraries(view, knowledge.mpi)
    of_its_own = [library for library in libraries if library.row.value.family != STANDARD_ABI]
    for library in of_its_own or libraries:  # the standard ABI beside another library is that of the same MPI
        yield _library(view, library, knowledge.mpi)
    if libraries:
        yield from _process_managers(view, [file for library in libraries for file in library.files], knowledge.mpi)
    yield from _from_host(view, knowledge.mpi, frozenset(library.soname for library in libraries))


def _libraries(view: DetectorView, mpi: Mpi) -> list[_Library]:
    found: dict[str, Files] = {}
    for path, elf in view.elves():
        found.setdefault(answers_to(path, elf), []).append((path, elf))
    return [
        _Library(soname, _older(soname, files, mpi) or row, files)
        for soname, files in sorted(found.items())
        if (row := _known(soname, mpi))
    ]


def _known(soname: str, mpi: Mpi) -> Row[MpiLibrary] | None:
    """Return what is known of a soname, None of one that is no MPI library's."""
    if not soname.startswith("libmpi"):
        return None
    return mpi.sonames.get(soname) or mpi.soname_patterns.get(Names(mpi.soname_patterns).of(soname))


def _older(soname: str, files: Files, mpi: Mpi) -> Row[MpiLibrary] | None:
    """Return the row of an old release of Open MPI that had the soname of MPICH; a symbol tells them apart."""
    return mpi.old_open_mpi.get(soname) if any(OPEN_MPI_SYMBOL.id in elf.markers for _, elf in files) else None


def _library(view: DetectorView, library: _Library, mpi: Mpi) -> Finding:
    known = library.row.value
    vendor = known.vendor or vendor_of(library.files)
    version, proof = _version(view, library.files, vendor, mpi)
    told = f"The library's soname is {library.soname}"
    uses = [
        Use(view.confidence(path, library.row.grade.ceiling), view.at(path, told, "DT_SONAME"))
        for path, _ in library.files
    ]
    confidence, evidence = together(uses)
    facts = {
        "mpi.family": known.family,
        "mpi.location": "image",
        "mpi.soname": library.soname,
        "mpi.vendor": vendor,
        "mpi.version": version,
    }
    return Finding(
        id="mpi.library",
        title=" ".join(word for word in (vendor or "MPI", version, f"of the {known.family} family") if word),
        confidence=confidence,
        facts={name: value for name, value in facts.items() if value},
        evidence=evidence + proof,
    )


def _version(view: DetectorView, files: Files, vendor: str, mpi: Mpi) -> tuple[str, tuple[Evidence, ...]]:
    """Return the version that the library states, else that of the implementation's package, and what says so."""
    version, path = version_of(files, vendor)
    if version:
        return version, (view.at(path, f"The library says version {version}"),)
    for package in view.packages():
        row = mpi.packages.get(f"{package.ecosystem}:{package.name}")
        if row and row.value == vendor and (version := upstream(package.version)):
            told = f"Package {package.name} {package.version} is installed"
            return version, (view.at(package.path, told, package.name),)
    return "", ()


def _process_managers(view: DetectorView, files: Files, mpi: Mpi) -> Iterator[Finding]:
    """Yield the process-management interfaces that the library and its parts link."""
    parts = Names(mpi.parts)
    uses: list[Use] = []
    names: set[str] = set()
    for path, elf in (*files, *((path, elf) for path, elf in view.elves() if parts.of(path))):
        for name in asked_of(elf) & mpi.process_managers.keys():
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


def _from_host(view: DetectorView, mpi: Mpi, present: frozenset[str]) -> Iterator[Finding]:
    """Yield the family that programs need and the image lacks.

    Where programs take one of several families, that is a hint and no family's fact; beside an MPI in the image, only a
    program that plainly cannot load counts, for extension modules such as those of mpi4py come in one build a family.
    """
    optional = Names(mpi.optional_users)
    uses: list[Use] = []
    asked: dict[str, str] = {}
    for path, elf in view.elves():
        if optional.of(path) or (present and view.confidence(path) is not Confidence.PROVEN):
            continue
        for name in sorted(asked_of(elf) - present):
            if row := _known(name, mpi):
                asked[name] = row.value.family
                ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
                uses.append(Use(view.confidence(path, ceiling), view.at(path, f"It needs {name}", "DT_NEEDED")))
    if uses:
        yield _expected(asked, uses)


def _expected(asked: dict[str, str], uses: list[Use]) -> Finding:
    families = sorted(set(asked.values()))
    single = len(asked) == 1
    confidence, evidence = together(uses)
    known = {"mpi.family": families[0], "mpi.soname": next(iter(asked))} if single else {}
    return Finding(
        id="mpi.from-host",
        title=f"MPI of the {' or '.join(families)} family is expected from outside the image",
        confidence=confidence if single else Confidence.HINT,
        facts={"mpi.location": "host", **known},
        evidence=evidence,
    )


DETECTOR = Detector(
    id="mpi",
    title="MPI implementation and ABI family",
    interests=Interests(markers=MARKERS, elf=True, packages=True),
    detect=detect,
    facts=("mpi.family", "mpi.location", "mpi.vendor", "mpi.version", "mpi.soname", "mpi.pmi"),
)
