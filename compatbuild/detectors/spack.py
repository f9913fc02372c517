"""Packages that Spack's installations expect on the host: the externals of its specs, such as a site's MPI."""

import posixpath
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE, strongest
from compatbuild.image import pkg_spack
from compatbuild.image.interests import Interests
from compatbuild.image.pkg_spack import Spec
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Evidence, Finding

MAX_TITLE = 300
"""Characters of a title."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield what installed packages link or run and is neither installed with them nor at its path in the image."""
    expected: dict[str, list[tuple[Confidence, Evidence]]] = {}
    used = _used(view)
    for path, content in view.files(pkg_spack.SPECS.glob):
        own, *others = list(pkg_spack.specs(content)) or [Spec("", "")]
        for other in others:
            if other.hash in own.needs and other.external and not view.exists(other.external):
                told = f"{own.name} {own.version} uses {other.name} {other.version} at {other.external}"
                confidence = used.get(pkg_spack.prefix(path), Confidence.HINT)
                expected.setdefault(_called(other), []).append((confidence, view.at(path, told, "external")))
    for name, found in sorted(expected.items()):
        best = strongest(confidence for confidence, _ in found)
        yield Finding(
            id="spack.external",
            title=f"Spack's packages expect {name} from the host"[:MAX_TITLE],
            confidence=best,
            evidence=tuple(evidence for confidence, evidence in found if confidence is best)[:MAX_EVIDENCE],
        )


def _called(spec: Spec) -> str:
    return f"{spec.name} {spec.version} at {spec.external}"


def _used(view: DetectorView) -> dict[str, Confidence]:
    """Return how sure it is that some file of an installation is used, likely at most, by its prefix."""
    prefixes = frozenset(pkg_spack.prefix(path) for path, _ in view.files(pkg_spack.SPECS.glob))
    found: dict[str, Confidence] = {}
    for path, _ in view.elves() if prefixes else ():
        directory = posixpath.dirname(path)
        while directory not in prefixes and directory != "/":
            directory = posixpath.dirname(directory)
        confidence = view.confidence(path, Confidence.LIKELY)
        found[directory] = strongest((confidence, found.get(directory, Confidence.HINT)))
    return found


DETECTOR = Detector(
    id="spack",
    title="Packages that Spack's installations expect on the host",
    interests=Interests(files=(pkg_spack.SPECS,), elf=True),
    detect=detect,
)
