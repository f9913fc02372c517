"""Native code that managed runtimes load on their own: libraries inside Java archives, and addons of Node.js."""

import posixpath
import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image import jar
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Evidence, Finding

SHOWN = 3
"""Libraries of an archive that evidence names."""

_LIBRARY = re.compile(r".*\.so(?:\.[0-9.]+)?|.*linux[^/]*\.jar", re.IGNORECASE | re.DOTALL)
"""Shared libraries, and archives within an archive whose names say that they are for Linux."""
_ELSEWHERE = re.compile(r"darwin|osx|macos|windows|win32|freebsd|openbsd|sunos|solaris|aix|android", re.IGNORECASE)
_MACHINES = {
    "amd64": re.compile(r"x86[_-]?64|amd64|x64"),
    "arm64": re.compile(r"aarch[_-]?64|arm64|armv8"),
    "ppc64le": re.compile(r"ppc64le|ppcle_64|ppc_64"),
    "s390x": re.compile(r"s390x|s390_64"),
}
"""How Java's libraries spell the architectures in the paths of what they carry."""
_OTHER = re.compile(r"x86[_/-]|i[36]86|armv[67]|arm[_/-]|armhf|riscv|mips|loongarch|sparc|ppc|s390")


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield the archives with libraries for the image's own architecture, and the addons."""
    architecture = view.config("architecture")
    found = [(path, _libraries(content, architecture)) for path, content in view.files(jar.JARS.glob)]
    archives = [_archive(view, path, names) for path, names in found if names]
    if archives:
        title = "Java archives hold native libraries that are unpacked when they run: what those need is not read"
        yield _note("java.native", title, archives)
    addons = [
        view.at(path, "A Node.js addon; it was read like any library", "file name")
        for path, _ in view.elves()
        if path.endswith(".node")
    ]
    if addons:
        yield _note("node.addons", "Node.js addons are native code", addons)


def _libraries(content: bytes, architecture: str) -> list[str]:
    """Return the libraries of an archive that the image's own machine loads, those of no machine by name included."""
    names = (name for name in jar.entries(content) if _LIBRARY.fullmatch(name) and not _ELSEWHERE.search(name))
    return sorted(name for name in names if _own(name.lower(), architecture))


def _own(name: str, architecture: str) -> bool:
    own = _MACHINES.get(architecture)
    if own is None or own.search(name):
        return True
    others = (pattern for machine, pattern in _MACHINES.items() if machine != architecture)
    return not _OTHER.search(name) and not any(pattern.search(name) for pattern in others)


def _archive(view: DetectorView, path: str, names: list[str]) -> Evidence:
    shown = ", ".join(posixpath.basename(name)[:100] for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return view.at(path, f"It holds {shown}{more}", "native libraries")


def _note(identity: str, title: str, evidence: list[Evidence]) -> Finding:
    return Finding(id=identity, title=title, confidence=Confidence.HINT, evidence=tuple(evidence[:MAX_EVIDENCE]))


DETECTOR = Detector(
    id="native_code",
    title="Native code of Java and Node.js",
    interests=Interests(files=(jar.JARS,), elf=True, config=("architecture",)),
    detect=detect,
)
