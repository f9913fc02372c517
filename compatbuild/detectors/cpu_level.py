"""Which x86-64 level and CPU flags programs check for before they run: refusals to start, never run-time dispatch."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors import Detector
from compatbuild.detectors._sonames import needed, own_name
from compatbuild.detectors._uses import Use, strongest, together, weakest
from compatbuild.detectors.distribution import RELEASE_FILES
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import FileInterest, Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import CpuRequirement

NUMPY = Marker(
    "cpu.numpy-baseline",
    b"NumPy was built with baseline optimizations:",
    "/**/_multiarray_umath*.so",
    rb"baseline optimizations:\s{0,4}\(([A-Z0-9_ ]{1,300})\)",
)
"""The text of NumPy's import error; what it dispatches to at run time is listed elsewhere (numpy 2.4.6)."""

LOADER = Marker("cpu.loader-message", b"CPU does not support x86-64-v", "/**/ld-linux-x86-64.so.2")
"""What the loader of a distribution above the first level says when it refuses (absent from Debian 12's)."""

POLARS = FileInterest("/**/_polars_runtime*/build_feature_flags.py", 4_096)
_POLARS_FLAGS = re.compile(rb'^BUILD_FEATURE_FLAGS\s*=\s*"([^"\n]{0,2000})"', re.MULTILINE)
AMD64 = 62
GLIBC_LOADER = "ld-linux-x86-64.so.2"
NOTE_LEVELS = {1: "x86-64-v2", 2: "x86-64-v3", 3: "x86-64-v4"}
"""Bits of GNU_PROPERTY_X86_ISA_1_NEEDED above the baseline (x86-64 psABI, program property)."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A level (``x86-64-v2``) or a flag (``AVX2``) that something checks for."""

    what: str
    use: Use


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the highest level and the flags beyond it; what only unused files ask for is a hint of its own."""
    cpu = knowledge.cpu
    claims = [
        *_distribution(view, cpu),
        *(claim for path, elf in view.elves() if elf.machine == AMD64 for claim in _of_file(view, path, elf, cpu)),
        *_polars(view, cpu),
    ]
    used = [claim for claim in claims if claim.use.confidence is not Confidence.HINT]
    unused = [claim for claim in claims if claim.use.confidence is Confidence.HINT]
    yield from _findings(used, cpu, "")
    level = max((claim.what for claim in used if claim.what in cpu.levels), default="")
    flags = {claim.what for claim in used}
    beyond = [one for one in unused if (one.what > level if one.what in cpu.levels else one.what not in flags)]
    yield from _findings(beyond, cpu, "-unused")


def _of_file(view: DetectorView, path: str, elf: ElfFacts, cpu: Cpu) -> Iterator[_Claim]:
    """Yield what one file checks: NumPy's baseline, Go's GOAMD64, the linker's ISA note."""
    for name in elf.markers.get(NUMPY.id, ("",))[0].split():
        if row := cpu.numpy_features.get(name):
            use = Use(view.confidence(path, row.grade.ceiling), view.at(path, f"NumPy's baseline has {name}"))
            yield _Claim(row.value, use)
    if known := cpu.levels.get(f"x86-64-{elf.go.get('GOAMD64', '')}"):
        told = f"Go compiled the program with GOAMD64={elf.go['GOAMD64']}"
        use = Use(view.confidence(path, known.grade.ceiling), view.at(path, told, "buildinfo"))
        yield _Claim(f"x86-64-{elf.go['GOAMD64']}", use)
    asked = [level for bit, level in NOTE_LEVELS.items() if elf.isa_needed >> bit & 1]
    if asked and "/glibc-hwcaps/" not in path:  # copies there are chosen at run time
        told = f"The loader is told to refuse CPUs below {asked[-1]}"
        ceiling = cpu.levels[asked[-1]].grade.ceiling
        yield _Claim(asked[-1], Use(view.confidence(path, ceiling), view.at(path, told, ".note.gnu.property")))


def _distribution(view: DetectorView, cpu: Cpu) -> Iterator[_Claim]:
    """Yield the level that the distribution's packages are built for, if its C library is in use."""
    key = f"{view.os_release.get('ID', '')}:{view.os_release.get('VERSION_ID', '').partition('.')[0]}"
    row = cpu.distributions.get(key)
    if row is None or view.config("architecture") not in ("amd64", ""):
        return
    level = _rebuild(view, key, cpu) or row.value
    users = [(path, elf) for path, elf in view.elves() if elf.machine == AMD64 and _loads_glibc(path, elf)]
    refuses = any(LOADER.id in elf.markers for _, elf in users)
    ceiling = weakest(row.grade.ceiling, Confidence.PROVEN if refuses else Confidence.LIKELY)
    release = next((file for file in RELEASE_FILES if view.exists(file)), RELEASE_FILES[0])
    confidence = strongest(view.confidence(path, ceiling) for path in [release, *(path for path, _ in users)])
    yield _Claim(level, Use(confidence, view.at(release, f"All programs of {key} are built for {level}", "ID")))


def _loads_glibc(path: str, elf: ElfFacts) -> bool:
    loaders = (own_name(path, elf), posixpath.basename(elf.interpreter), *needed(elf))
    return GLIBC_LOADER in loaders or "libc.so.6" in loaders


def _rebuild(view: DetectorView, key: str, cpu: Cpu) -> str:
    """Return the lowest level that the architectures of installed packages tell of; empty if they tell nothing."""
    row = cpu.rebuilds.get(key)
    if row is None:
        return ""
    seen = {package.architecture for package in view.packages(ecosystem="rpm")} & row.value.keys()
    return min((row.value[name] for name in seen or row.value), default="")


def _polars(view: DetectorView, cpu: Cpu) -> Iterator[_Claim]:
    """Yield the flags that every build of the polars runtime in the image checks at import; any one build will do."""
    builds = {
        path: [row for name in match[1].decode("utf-8", "replace").split(",") if (row := _flag(name, cpu))]
        for path, content in view.files(POLARS.glob)
        if (match := _POLARS_FLAGS.search(content))
    }
    common = set.intersection(*({row.value for row in rows} for rows in builds.values())) if builds else set()
    for path, rows in builds.items():
        for row in rows:
            if row.value in common:
                use = Use(view.confidence(path, row.grade.ceiling), view.at(path, "polars checks CPU flags at import"))
                yield _Claim(row.value, use)


def _flag(name: str, cpu: Cpu) -> Row[str] | None:
    return cpu.rust_features.get(name.strip().removeprefix("+")) if name.strip().startswith("+") else None


def _findings(claims: list[_Claim], cpu: Cpu, ending: str) -> Iterator[Finding]:
    levels = [claim for claim in claims if claim.what in cpu.levels]
    top = max((claim.what for claim in levels), default="")
    if top:
        uses = [claim.use for claim in levels if claim.what == top]
        yield _finding(f"cpu.level{ending}", f"A CPU of level {top}", top, {"cpu.level": top}, uses)
    implied = {flag for level, row in cpu.levels.items() if level <= top for flag in row.value}
    flags = sorted({claim.what for claim in claims if claim.what not in cpu.levels} - implied)
    if flags:
        uses = [claim.use for claim in claims if claim.what in flags]
        yield _finding(f"cpu.flags{ending}", f"A CPU with {', '.join(flags)}", tuple(flags), {"cpu.flags": flags}, uses)


def _finding(
    identity: str, title: str, cpu: str | tuple[str, ...], facts: dict[str, str | list[str]], uses: list[Use]
) -> Finding:
    confidence, evidence = together(uses)
    return Finding(
        id=identity,
        title=title,
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=CpuRequirement.model_validate({"cpu": cpu}),
        facts={} if confidence is Confidence.HINT else dict(facts),
        evidence=evidence,
    )


DETECTOR = Detector(
    id="cpu_level",
    title="CPU level and flags that programs insist on",
    interests=Interests(
        files=(POLARS,), markers=(NUMPY, LOADER), elf=True, go=True, packages=True, config=("architecture",)
    ),
    detect=detect,
    facts=("cpu.level", "cpu.flags"),
    features=("cpu.cpuid",),
)
