"""Conda packages built for a level of x86-64 above the first: what the solver checked once, and nobody since."""

import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image import pkg_conda
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cpu import Cpu
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import CpuRequirement

LEVEL = re.compile(r"_?x86_64-microarch-level\s*(?:>=|==?)?\s*([2-4])(?:\.\*)?(?:\s.*)?")
"""A dependency on conda-forge's metapackage of levels, whose version is the level (``_x86_64-microarch-level >=3``).

Its own dependency (``__archspec 1 zen3``) names the processor of whoever made the environment, and says nothing.
"""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the highest level that packages in use are built for, and the highest of those that are not."""
    if view.config("architecture") not in ("amd64", ""):
        return
    uses: dict[str, list[Use]] = {}
    native = frozenset(path for path, _ in view.elves())
    for path, content in view.files(pkg_conda.RECORDS.glob):
        record = pkg_conda.record(path, content)
        level = _level(record.depends, knowledge.cpu) if record else ""
        files = native.intersection(record.files) if record else ()
        if record and level and files:
            ceiling = weakest(Confidence.LIKELY, knowledge.cpu.levels[level].grade.ceiling)
            told = f"{record.name} {record.version} is built for {level}"
            said = view.at(path, told, "depends")
            uses.setdefault(level, []).extend(Use(view.confidence(file, ceiling), said) for file in sorted(files))
    in_use = [one for one, found in uses.items() if together(found)[0] is not Confidence.HINT]
    unused = [one for one in uses if one not in in_use and one > max(in_use, default="")]
    for level in (max(levels) for levels in (in_use, unused) if levels):
        yield _finding(level, uses[level])


def _level(depends: tuple[str, ...], cpu: Cpu) -> str:
    """Return the level that a package depends on, empty if it depends on none that is known."""
    found = [f"x86-64-v{match[1]}" for text in depends if (match := LEVEL.fullmatch(text.strip()))]
    return max((level for level in found if level in cpu.levels), default="")


def _finding(level: str, uses: list[Use]) -> Finding:
    confidence, evidence = together(uses)
    hint = confidence is Confidence.HINT
    return Finding(
        id="conda.cpu-level-unused" if hint else "conda.cpu-level",
        title=f"Conda packages are built for CPUs of level {level}",
        confidence=confidence,
        severity=Severity.INFO if hint else Severity.REQUIRED,
        requirement=CpuRequirement.model_validate({"cpu": level}),
        facts={} if hint else {"cpu.level": level},
        evidence=evidence,
    )


DETECTOR = Detector(
    id="conda",
    title="Conda packages built for a level of x86-64",
    interests=Interests(files=(pkg_conda.RECORDS,), elf=True, config=("architecture",)),
    detect=detect,
    facts=("cpu.level",),
    features=("cpu.cpuid",),
)
