"""What the image's history and variables say of how programs were compiled: hints, for nobody sees what came of it."""

import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cpu import Cpu
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.requirement import AnyRequirement, CpuRequirement

VARIABLES = ("CFLAGS", "CXXFLAGS", "FFLAGS", "FCFLAGS", "COMMON_FLAGS", "RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "GOAMD64")
"""Variables that compilers and build tools read flags from (make, CMake, Gentoo, Cargo, Go)."""
NATIVE = "native"

_FLAG = re.compile(
    r"(?<![\w-])-m(?:arch|cpu)=(?P<c>[A-Za-z0-9_.-]{1,40})"
    r"|(?<![\w-])target-cpu=(?P<rust>[A-Za-z0-9_.-]{1,40})"
    r"|(?<!\w)GOAMD64=(?P<go>v[1-4])\b"
)
"""GCC and Clang, rustc, Go. Nothing else of a command is repeated: it may hold secrets."""
_ZEN = re.compile(r"znver([1-5])")
_ARM = re.compile(r"(armv\d\.\d)-a")


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one hint for each processor that something was compiled for, and one for that of the build machine."""
    found: dict[str, list[Evidence]] = {}
    for number, step in enumerate(view.history(), 1):
        for flag, target in _targets(step):
            said = view.at_config("history", f"Step {number} of the build says {flag}", str(number))
            found.setdefault(target, []).append(said)
    for name, value in sorted(view.env().items()):
        for flag, target in _targets(f"{name}={value}"):
            found.setdefault(target, []).append(view.at_config("Env", f"{name} says {flag}", name))
    for target, evidence in sorted(found.items()):
        yield _finding(target, evidence, knowledge.cpu)


def _targets(text: str) -> Iterator[tuple[str, str]]:
    """Yield the flags in a text that name a processor, and the processor."""
    for match in _FLAG.finditer(text):
        yield match[0], match["c"] or match["rust"] or f"x86-64-{match['go']}"


def _finding(target: str, evidence: list[Evidence], cpu: Cpu) -> Finding:
    what = "the machine that built the image" if target == NATIVE else target
    return Finding(
        id="build.native" if target == NATIVE else "build.target",
        title=f"Something in the image was compiled for {what}",
        confidence=Confidence.HINT,
        requirement=_requirement(target, cpu),
        evidence=tuple(evidence[:MAX_EVIDENCE]),
    )


def _requirement(target: str, cpu: Cpu) -> AnyRequirement | None:
    """Return what code for a processor needs, None where that is nothing or not known."""
    row = cpu.spack_targets.get(_archspec(target))
    if row is None:
        return None
    level = max((need for need in row.value if need in cpu.levels), default="")
    return CpuRequirement.model_validate({"cpu": level or row.value})


def _archspec(target: str) -> str:
    """Return archspec's name for what compilers call a processor: ``zen3`` for ``znver3``."""
    if match := _ZEN.fullmatch(target):
        return "zen" if match[1] == "1" else f"zen{match[1]}"
    if match := _ARM.fullmatch(target):
        return f"{match[1]}a"
    return {"icelake-client": "icelake", "icelake-server": "icelake"}.get(target, target.replace("-", "_"))


DETECTOR = Detector(
    id="build_flags",
    title="Compiler flags in the image's history",
    interests=Interests(env=VARIABLES, config=("history",)),
    detect=detect,
    features=("cpu.cpuid",),
)
