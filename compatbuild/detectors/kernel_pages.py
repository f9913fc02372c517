"""Huge pages, reserved or transparent, that the image's own settings ask for or its programs work with."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from compatbuild.detectors import Detector
from compatbuild.detectors._users import INTERESTS, PROGRAMS, uses_of
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.kernel import Setting
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import FacilityRequirement, HugepagesRequirement

PLACES = (
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "JAVA_OPTS",
    "JAVA_OPTIONS",
    "JVM_OPTS",
    "CATALINA_OPTS",
    "ES_JAVA_OPTS",
    "GLIBC_TUNABLES",
    "MALLOC_CONF",
    "_RJEM_MALLOC_CONF",
    "JE_MALLOC_CONF",
    "HUGETLB_MORECORE",
    "NODE_OPTIONS",
)
"""Environment variables in which such settings stand; of their values nothing is told but the setting."""

HUGIFY = "kernel_pages.hugify"
HUGIFIED = tuple(Marker(HUGIFY, b"[hugify] ", glob) for glob in PROGRAMS)
"""How the messages begin that BOLT puts into a program whose hot code it makes huge (LLVM, bolt/runtime/hugify.cpp)."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one finding for each kind of page, and one for program text in huge pages of the page cache."""
    kernel = knowledge.kernel
    users = uses_of(view, kernel.page_users)
    asked = _asked(view, kernel.page_settings)
    if huge := users["huge"] + asked["huge"]:
        yield _reserved(huge, asked=bool(asked["huge"]))
    if transparent := users["transparent"] + asked["transparent"]:
        option = kernel.page_options["transparent"].value
        yield _option("kernel.transparent-hugepages", "Transparent huge pages", option, transparent)
    if text := [Use(Confidence.HINT, view.at(p, "BOLT's hugify is in it", "[hugify]")) for p in _hugified(view)]:
        option = kernel.page_options["files"].value
        yield _option("kernel.hugepages-for-files", "Huge pages for the text of programs", option, text)


def _hugified(view: DetectorView) -> Iterator[str]:
    return (path for path, elf in view.elves() if HUGIFY in elf.markers)


def _asked(view: DetectorView, settings: Mapping[str, Row[Setting]]) -> dict[str, list[Use]]:
    """Return the settings that are on, by the kind of page they ask for."""
    found: dict[str, list[Use]] = {"huge": [], "transparent": []}
    files = {posixpath.basename(path) for path, _ in view.elves()}
    for row in settings.values():
        setting = row.value
        if not setting.needs or any(fnmatchcase(name, glob) for glob in setting.needs for name in files):
            ceiling = Confidence.HINT if setting.fallback else row.grade.ceiling
            found[setting.kind] += (Use(weakest(use.confidence, ceiling), use.evidence) for use in _set(view, setting))
    return found


def _set(view: DetectorView, setting: Setting) -> Iterator[Use]:
    """Yield where a setting is on: in the environment, or on a command line that the default program runs."""
    env = view.env()
    for name in setting.places:
        if _on(setting, env.get(name, "")):
            yield Use(Confidence.PROVEN, view.at_config("Env", f"{name} has {setting.title}", name))
    for words, confidence in view.commands():
        program = posixpath.basename(words[0])
        if program in setting.arguments and _on(setting, " ".join(words[1:])):
            told = f"The default program runs {program} with {setting.title}"
            yield Use(confidence, view.at_config("Entrypoint", told, program))


def _on(setting: Setting, text: str) -> bool:
    """Say whether a setting is on in a text; of several the last counts."""
    return _last(setting.pattern, text) > (_last(setting.unless, text) if setting.unless else -1)


def _last(pattern: str, text: str) -> int:
    return max((match.end() for match in re.finditer(pattern, text)), default=-1)


def _reserved(uses: list[Use], *, asked: bool) -> Finding:
    confidence, evidence = together(uses)
    unused = confidence is Confidence.HINT
    idle = Severity.RECOMMENDED if asked else Severity.INFO
    return Finding(
        id="kernel.hugepages",
        title="Reserved huge pages",
        confidence=confidence,
        severity=idle if unused else Severity.REQUIRED,
        requirement=HugepagesRequirement(hugepages="any"),
        facts={} if unused else {"kernel.hugepages": True},
        evidence=evidence,
    )


def _option(identity: str, title: str, option: str, uses: list[Use]) -> Finding:
    """Return a finding that is never more than a recommendation: without the option the kernel serves small pages."""
    _, evidence = together(uses)
    return Finding(
        id=identity,
        title=f"{title} ({option})",
        confidence=Confidence.HINT,
        severity=Severity.RECOMMENDED,
        requirement=FacilityRequirement(facility=(option,)),
        evidence=evidence,
    )


DETECTOR = Detector(
    id="kernel_pages",
    title="Huge pages",
    interests=Interests.union((INTERESTS, Interests(markers=HUGIFIED, env=PLACES))),
    detect=detect,
    facts=("kernel.hugepages",),
    features=("memory.hugepages", "kernel.config"),
)
