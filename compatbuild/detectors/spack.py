"""What Spack's specs say: externals that are expected on the host, such as a site's MPI, and how all was built."""

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

VIRTUALS = frozenset(("mpi",))
"""Virtual packages of Spack's whose providers differ in what they ask of a host."""
MAX_TITLE = 300
"""Characters of a title."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield what packages link or run that is not in the image, what they were built with, and who provides MPI."""
    said: dict[tuple[str, str], list[tuple[Confidence, Evidence]]] = {}
    used = _used(view)
    for path, content in view.files(pkg_spack.SPECS.glob):
        own, *others = list(pkg_spack.specs(content)) or [Spec("", "")]
        confidence = used.get(pkg_spack.prefix(path), Confidence.HINT)
        for id_, title, statement, locator in _statements(own, others, view):
            said.setdefault((id_, title), []).append((confidence, view.at(path, statement, locator)))
    for (id_, title), found in sorted(said.items()):
        best = strongest(confidence for confidence, _ in found)
        yield Finding(
            id=id_,
            title=title[:MAX_TITLE],
            confidence=best,
            evidence=tuple(evidence for confidence, evidence in found if confidence is best)[:MAX_EVIDENCE],
        )


def _statements(own: Spec, others: list[Spec], view: DetectorView) -> Iterator[tuple[str, str, str, str]]:
    """Yield what one spec says: the finding's id, its title, the statement about the package, and where it stands."""
    known = {other.hash: other for other in others}
    for other in others:
        if other.hash in own.needs and other.external and not view.exists(other.external):
            title = f"Spack's packages expect {_called(other)} from the host"
            told = f"{own.name} {own.version} uses {other.name} {other.version} at {other.external}"
            yield "spack.external", title, told, "external"
    providers = {virtual: known[hash_] for virtual, hash_ in own.provided if hash_ in known}
    for virtual in sorted(providers.keys() & VIRTUALS):
        provider = f"{providers[virtual].name} {providers[virtual].version}"
        title, told = f"Spack's packages have {virtual} from {provider}", f"{own.name} {own.version} has it from there"
        yield "spack.provider", title, told, "virtuals"
    compiler = own.compiler or next(
        (f"{c.name} {c.version}" for lang in ("c", "cxx") if (c := providers.get(lang))), ""
    )
    if compiler and own.system:
        title = f"Spack built packages with {compiler} on {own.system}"
        yield "spack.built", title, f"{own.name} {own.version} was built so for {own.target}", "arch"


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
    title="What the specs of Spack's installations say",
    interests=Interests(files=(pkg_spack.SPECS,), elf=True),
    detect=detect,
)
