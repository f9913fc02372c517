"""Uses of something in an image, each with its confidence and its evidence, and what follows from them together."""

import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from compatbuild.detectors._sonames import needed
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.rows import Row
from compatbuild.knowledge.subjects import Users
from compatbuild.model.finding import Confidence, Evidence

MAX_EVIDENCE = 20
"""Pieces of evidence a finding keeps; a person reads no more."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "ppc64", "s390x": "s390x"}
"""How emulators and ``uname -m`` name the machine of an OCI architecture (QEMU names both POWER byte orders ppc64)."""

_STRONGEST_FIRST = (Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT)


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that shows a use, and how sure it makes it."""

    confidence: Confidence
    evidence: Evidence


def strongest(confidences: Iterable[Confidence]) -> Confidence:
    """Return the strongest of some confidences; a hint if there are none."""
    return min(confidences, key=_STRONGEST_FIRST.index, default=Confidence.HINT)


def weakest(*confidences: Confidence) -> Confidence:
    """Return the weakest of some confidences."""
    return max(confidences, key=_STRONGEST_FIRST.index)


def together(uses: Collection[Use]) -> tuple[Confidence, tuple[Evidence, ...]]:
    """Return how sure the surest of some uses (at least one) are, and their evidence."""
    best = strongest(use.confidence for use in uses)
    evidence = {use.evidence for use in uses if use.confidence is best}
    ordered = sorted(evidence, key=lambda e: (e.path, e.locator, e.statement))
    return best, tuple(ordered[:MAX_EVIDENCE])


def uses(view: DetectorView, row: Row[Users]) -> Iterator[Use]:
    """Yield the uses that a row of knowledge describes; a use is likely at most.

    A program counts when it is reached, or present in an image without a program of its own; so does a package, whose
    files are not looked up. Whoever needs a library counts only when reached: a library drags many others in. The
    interests must include ELF facts, packages and the field ``architecture``.
    """
    ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
    machine = MACHINES.get(view.config("architecture"), "")
    programs = _Names(name.replace("{machine}", machine) for name in row.value.programs)
    libraries, incidental = _Names(row.value.libraries), _Names(row.value.incidental)
    for path, elf in view.elves():
        name = posixpath.basename(path)
        if name in programs:
            yield Use(view.confidence(path, ceiling), view.at(path, f"The program {name} is in the image"))
        for library in needed(elf) if libraries else ():
            if library in libraries:
                side = view.reach(path) is None or name in incidental
                found = Confidence.HINT if side else view.confidence(path, ceiling)
                yield Use(found, view.at(path, f"{name} needs {library}", "DT_NEEDED"))
    for package in view.packages(*row.value.packages) if row.value.packages else ():
        found = Confidence.HINT if view.entrypoint_known else ceiling
        yield Use(found, view.at(package.path, f"Package {package.name} {package.version} is installed", package.name))


class _Names:
    """Names, some with ``*`` in them; most files are told apart by the plain ones alone."""

    def __init__(self, names: Iterable[str]) -> None:
        every = tuple(names)
        self._plain = frozenset(name for name in every if "*" not in name)
        self._globs = tuple(name for name in every if "*" in name)

    def __bool__(self) -> bool:
        return bool(self._plain or self._globs)

    def __contains__(self, name: str) -> bool:
        return name in self._plain or any(fnmatchcase(name, glob) for glob in self._globs)
