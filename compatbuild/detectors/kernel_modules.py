"""Kernel modules inside an image: one from outside the kernel's tree loads on exactly the kernel it was built for."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors import Detector
from compatbuild.detectors._modprobe import probed
from compatbuild.detectors._uses import MAX_EVIDENCE, Use, strongest, together
from compatbuild.image import kmod
from compatbuild.image.interests import Interests
from compatbuild.image.kmod import KernelModule
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import KernelReleaseRequirement

TREE = "/**/lib/modules/*/kernel/**.ko*"
"""The modules that come with a kernel, compressed or not (depmod.d(5))."""

MAX_RELEASES = 100
"""Kernel releases in one requirement; with more it makes a hint. Driver images for many kernels have a few dozen."""


@dataclass(frozen=True, slots=True)
class _Load:
    """What a command of the default program loads, by the file or by the module's name, and how surely."""

    word: str
    confidence: Confidence

    def loads(self, path: str, module: KernelModule) -> bool:
        """Say whether it is this module; by name those below ``/lib/modules`` that no kernel brought along."""
        if "/" in self.word:
            return self.word == path
        return self.word == module.name and "/lib/modules/" in path and not module.in_tree


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield the exact kernels that modules are built for, and a note about modules that came with a kernel."""
    booted = _booted(view)
    if uses := _uses(view, booted):
        yield _release(uses)
    if booted:
        yield _note(view, booted)


def _booted(view: DetectorView) -> dict[str, str]:
    """Return the first path of the modules that came with a kernel, by its release: a name of a directory."""
    found: dict[str, str] = {}
    for path in view.names(TREE):
        release = path.partition("/lib/modules/")[2].partition("/")[0]
        if kmod.RELEASE.fullmatch(release):
            found.setdefault(release, path)
    return found


def _uses(view: DetectorView, booted: dict[str, str]) -> dict[str, list[Use]]:
    """Return what binds the image to a kernel, by its release.

    A module that the default program loads does. In an image without a program of its own so does any that came from
    outside the kernel's tree, unless that kernel is in the image as well; elsewhere it makes a hint.
    """
    loads = list(_loads(view))
    idle = Confidence.HINT if view.entrypoint_known else Confidence.LIKELY
    found: dict[str, list[Use]] = {}
    for path, module in _modules(view):
        by = [load.confidence for load in loads if load.loads(path, module)]
        if by or not (module.in_tree or module.release in booted):
            told = f"{posixpath.basename(path)} is built for the kernel {module.release}"
            evidence = view.at(path, f"{told}, and the default program loads it" if by else told, "vermagic")
            found.setdefault(module.release, []).append(Use(strongest(by) if by else idle, evidence))
    return found


def _modules(view: DetectorView) -> Iterator[tuple[str, KernelModule]]:
    """Yield the modules of which the release is known, with their paths."""
    for path, elf in view.elves():
        if path.endswith(".ko") and (module := kmod.from_elf(path, elf)):
            yield path, module
    for interest in kmod.COMPRESSED:
        for path, content in view.files(interest.glob):
            if module := kmod.from_compressed(path, content):
                yield path, module


def _loads(view: DetectorView) -> Iterator[_Load]:
    """Yield what insmod and modprobe load on the command lines that the default program is seen to run."""
    for words, confidence in view.commands():
        for word in words[1:] if posixpath.basename(words[0]) == "insmod" else ():
            if path := view.real_path(word) if "/" in word else None:
                yield _Load(path, confidence)
        for word in probed(words):
            yield _Load(kmod.module_name(word), confidence)


def _release(uses: dict[str, list[Use]]) -> Finding:
    """Return the finding that the kernel must be one of those that the surest modules are built for."""
    confidence, evidence = together([use for found in uses.values() for use in found])
    releases = sorted(r for r, found in uses.items() if strongest(use.confidence for use in found) is confidence)
    if len(releases) > MAX_RELEASES:
        confidence = Confidence.HINT
    unused = confidence is Confidence.HINT
    return Finding(
        id="kernel.release",
        title=f"Exactly the kernel {' or '.join(releases)}, for which modules in the image are built"[:300],
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=KernelReleaseRequirement(kernel_release=tuple(releases[:MAX_RELEASES])),
        facts={} if unused or len(releases) > 1 else {"kernel.release": releases[0]},
        evidence=evidence,
    )


def _note(view: DetectorView, booted: dict[str, str]) -> Finding:
    """Return the note that a kernel's own modules are in the image, which may boot it or merely carry them."""
    releases = sorted(booted)
    return Finding(
        id="kernel.boot-modules",
        title=f"Holds the modules of {', '.join(releases)}: say in the template if it must run on that kernel"[:300],
        confidence=Confidence.HINT,
        evidence=tuple(
            view.at(booted[release], f"A module of the kernel {release}, built with it", "directory")
            for release in releases[:MAX_EVIDENCE]
        ),
    )


DETECTOR = Detector(
    id="kernel_modules",
    title="Kernel modules in the image",
    interests=Interests(elf=True, markers=kmod.MARKERS, files=kmod.COMPRESSED),
    detect=detect,
    facts=("kernel.release",),
    features=("kernel.version",),
)
