"""Which distribution the image is built on and which C library its programs load: notes, never a requirement."""

import posixpath
import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import Use, together
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Evidence, Finding

RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
"""Where os-release(5) lies, the first that exists being the one that counts."""

GLIBC_RELEASE = "distribution.glibc-release"
GLIBC_BANNER = tuple(
    Marker(
        GLIBC_RELEASE, b"GNU C Library (", glob, rb"GNU C Library \([^)\0]{1,80}\) [a-z]+ release version (\d+\.\d+)"
    )
    for glob in ("/**/libc.so.6", "/**/libc-2.*.so")  # the second is its name until glibc 2.33
)
"""The sentence libc.so.6 prints when it is run (glibc, csu/version.c)."""

PACKAGES = {"libc6": "glibc", "glibc": "glibc", "musl": "musl"}
"""Packages of the C library in Debian, in the RPM distributions and Wolfi, and in Alpine."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_UPSTREAM = re.compile(r"(?:\d+:)?(\d{1,4}(?:\.\d{1,4}){1,3})")


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield the distribution and the C library."""
    yield from _release(view)
    yield from _libc(view)


def _release(view: DetectorView) -> Iterator[Finding]:
    name, version = view.os_release.get("ID", ""), view.os_release.get("VERSION_ID", "")
    if not _NAME.fullmatch(name):
        return
    facts = {"os.id": name} | ({"os.version": version} if _VERSION.fullmatch(version) else {})
    told = " ".join(facts.values())
    path = next((file for file in RELEASE_FILES if view.exists(file)), RELEASE_FILES[0])
    yield Finding(
        id="os.release",
        title=f"Built on {told}",
        confidence=Confidence.PROVEN,
        facts=dict(facts),
        evidence=(view.at(path, f"The image's os-release names {told}", "ID"),),
    )


def _libc(view: DetectorView) -> Iterator[Finding]:
    """Yield the family of the loader that programs name, if they agree, and the version of that library."""
    by_family: dict[str, list[Use]] = {}
    every = [(path, elf.interpreter) for path, elf in view.elves() if elf.interpreter]
    reached = [(path, loader) for path, loader in every if view.reach(path) is not None]
    for path, loader in reached or every:
        if family := _family(loader):
            said = view.at(path, f"The program names the loader {loader}", "PT_INTERP")
            by_family.setdefault(family, []).append(Use(view.confidence(path), said))
    if len(by_family) != 1:
        return
    ((family, uses),) = by_family.items()
    confidence, evidence = together(uses)
    version = _version(view, family)
    facts = {"libc.family": family} | ({"libc.version": version[0]} if version else {})
    yield Finding(
        id="libc.version" if version else "libc.family",
        title=" ".join(["Programs load", *facts.values()]),
        confidence=confidence,
        facts=dict(facts),
        evidence=((version[1],) if version else ()) + evidence[:3],
    )


def _family(loader: str) -> str:
    """Return the C library of a loader, by its file name; empty for an unknown one."""
    name = posixpath.basename(loader)
    if name.startswith("ld-musl-"):
        return "musl"
    return "glibc" if name.startswith(("ld-linux", "ld64.so", "ld.so.1", "ld-2.")) else ""


def _version(view: DetectorView, family: str) -> tuple[str, Evidence] | None:
    """Return the version that the library itself states, else that of its package."""
    for path, elf in view.elves():
        if family == "glibc" and (groups := elf.markers.get(GLIBC_RELEASE)):
            return groups[0], view.at(path, f"The library says release version {groups[0]}")
    for package in view.packages(*(name for name, library in PACKAGES.items() if library == family)):
        if match := _UPSTREAM.match(package.version):
            told = f"Package {package.name} {package.version} is installed"
            return match[1], view.at(package.path, told, package.name)
    return None


DETECTOR = Detector(
    id="distribution",
    title="Distribution and C library",
    interests=Interests(markers=GLIBC_BANNER, elf=True, packages=True),
    detect=detect,
    facts=("os.id", "os.version", "libc.family", "libc.version"),
)
