"""CPU architecture, 32-bit programs, and the page size that arm64 programs load on."""

import re
from collections.abc import Iterator, Mapping

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE, Use, strongest, together
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import ArchitectureRequirement, ConfigRequirement, FacilityRequirement

ARCHITECTURES = {3: "386", 21: "ppc64le", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
"""OCI architecture by e_machine (System V gABI, chapter 4; names are Go's GOARCH)."""

RUNS_TOO = {"amd64": "386", "arm64": "arm"}
"""Architecture whose programs a 64-bit image of another may hold without being wrong."""

REQUIRABLE = ("amd64", "arm64", "ppc64le", "s390x")
SMALLEST_PAGE = 4_096
"""Every arm64 kernel can be built for pages of this size, so that it rules nothing out."""

Programs = Mapping[str, ElfFacts]
_NAME = re.compile(r"[a-z0-9]{1,20}")


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what the machine numbers, word sizes and segment alignments of the reached ELF files say."""
    reached = {path: elf for path, elf in view.elves() if view.reach(path) is not None}
    yield from _architecture(view, reached)
    yield from _other_word_size(view, reached, knowledge)
    yield from _page_size(view, reached, knowledge)


def _architecture(view: DetectorView, reached: Programs) -> Iterator[Finding]:
    declared = view.config("architecture") if _NAME.fullmatch(view.config("architecture")) else ""
    proven = {path: elf for path, elf in reached.items() if view.confidence(path) is Confidence.PROVEN}
    programs = proven or reached or dict(view.elves())
    machines = {ARCHITECTURES[elf.machine] for elf in programs.values() if elf.machine in ARCHITECTURES}
    fits = machines & {declared, RUNS_TOO.get(declared, declared)}
    if len(machines) == 1 and not fits:
        (found,) = machines
        uses = _proof(view, programs, machines)
        yield _required(view, found, uses)
        if declared:
            yield _mismatch(view, declared, found, uses)
    elif declared:
        yield _required(view, declared, _proof(view, programs, fits))


def _proof(view: DetectorView, programs: Programs, machines: set[str]) -> list[Use]:
    """Return a use for each program of these machines; config and files say the same, so that none is a mere hint."""
    return [
        Use(
            strongest((view.confidence(path), Confidence.LIKELY)),
            view.at(path, f"The ELF file is for {ARCHITECTURES[elf.machine]}", "e_machine"),
        )
        for path, elf in programs.items()
        if ARCHITECTURES.get(elf.machine) in machines
    ]


def _required(view: DetectorView, architecture: str, uses: list[Use]) -> Finding:
    said = Use(Confidence.HINT, view.at_config("architecture", f"The image config says {architecture}"))
    confidence, evidence = together(uses or [said])
    return Finding(
        id="cpu.architecture",
        title=f"A host of architecture {architecture}",
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=ArchitectureRequirement.model_validate({"architecture": architecture})
        if architecture in REQUIRABLE
        else None,
        facts={"cpu.architecture": architecture},
        evidence=evidence,
    )


def _mismatch(view: DetectorView, declared: str, found: str, uses: list[Use]) -> Finding:
    said = view.at_config("architecture", f"The image config says {declared}")
    return Finding(
        id="cpu.architecture-mismatch",
        title=f"The image says {declared}, but its programs are for {found}",
        confidence=Confidence.HINT,
        severity=Severity.RECOMMENDED,
        evidence=(said, *(use.evidence for use in uses[: MAX_EVIDENCE - 1])),
    )


def _other_word_size(view: DetectorView, reached: Programs, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the option that lets a 64-bit kernel of the image's own architecture run its reached 32-bit programs."""
    options = knowledge.kernel.compat_options
    declared = view.config("architecture")
    for key in sorted({f"{elf.machine}/{elf.bits}" for elf in reached.values()} & options.keys()):
        programs = {path: elf for path, elf in reached.items() if f"{elf.machine}/{elf.bits}" == key}
        if declared not in RUNS_TOO or ARCHITECTURES[int(key.partition("/")[0])] not in (declared, RUNS_TOO[declared]):
            continue
        uses = [
            Use(capped(view.confidence(path), options[key]), view.at(path, f"A {elf.bits}-bit program", "EI_CLASS"))
            for path, elf in programs.items()
        ]
        confidence, evidence = together(uses)
        option = options[key].value
        yield Finding(
            id="kernel.compat-" + option.lower().replace("_", "-") if option != "COMPAT" else "kernel.compat",
            title=f"A kernel that runs 32-bit programs ({option})",
            confidence=confidence,
            severity=Severity.REQUIRED,
            requirement=FacilityRequirement(facility=(option,)),
            facts={"kernel.config": [option]},
            evidence=evidence,
        )


def _page_size(view: DetectorView, reached: Programs, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the largest page size on which every reached arm64 file loads: its smallest PT_LOAD alignment.

    The loader refuses a segment whose alignment is no multiple of the page size (glibc, elf/dl-load.c).
    """
    aligned = {path: elf for path, elf in reached.items() if elf.machine == 183 and _fits(elf, SMALLEST_PAGE)}
    if not aligned:
        return
    options = knowledge.kernel.page_sizes
    page = max(size for size in (SMALLEST_PAGE, *options) if all(_fits(elf, size) for elf in aligned.values()))
    unfit = {row.value: row for size, row in options.items() if size > page}
    smallest = min(elf.load_align for elf in aligned.values())
    uses = [
        Use(
            capped(view.confidence(path), *unfit.values()),
            view.at(path, f"Its segments are aligned to {elf.load_align} bytes", "PT_LOAD p_align"),
        )
        for path, elf in aligned.items()
        if elf.load_align == smallest
    ]
    confidence, evidence = together(uses)
    yield Finding(
        id="cpu.page-size",
        title=f"Kernel pages of at most {page // 1024} KiB",
        confidence=confidence,
        severity=Severity.REQUIRED if unfit else Severity.INFO,
        requirement=ConfigRequirement(config=dict.fromkeys(sorted(unfit), ())) if unfit else None,
        facts={"cpu.page-size.max": page},
        evidence=evidence,
    )


def _fits(elf: ElfFacts, page: int) -> bool:
    return elf.load_align > 0 and elf.load_align % page == 0


DETECTOR = Detector(
    id="architecture",
    title="CPU architecture and page size",
    interests=Interests(elf=True, config=("architecture",)),
    detect=detect,
    facts=("cpu.architecture", "cpu.page-size.max", "kernel.config"),
    features=("cpu.cpuid", "kernel.config"),
)
