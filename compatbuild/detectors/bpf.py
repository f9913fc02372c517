"""BPF programs inside ELF files: the kernel must load them, and for some describe its own types (BTF)."""

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from pydantic import JsonValue

from compatbuild.detectors import Detector
from compatbuild.detectors._users import uses
from compatbuild.detectors._uses import Use, together
from compatbuild.image.elf import BpfObject, ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.kernel import Kernel
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import FacilityRequirement

BPF_MACHINE = 247
"""e_machine of a BPF object (System V gABI, EM_BPF)."""

_NEEDS_BTF = re.compile(r"\??(?:tp_btf|fentry|fexit|lsm|struct_ops)(?:\.[a-z]+)?(?:/.*)?")
"""Program sections that attach by the kernel's own types; "?" and ".s" are libbpf's marks (libbpf, program types)."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield BPF and BTF for embedded objects, and for compilers of BPF the kernel's headers."""
    kernel = knowledge.kernel
    compilers = [use for row in kernel.bpf_compilers.values() for use in uses(view, row)]
    embedded = list(_embedded(view, kernel))
    if embedded or compilers:
        yield _facility("kernel.bpf", "A kernel that loads BPF programs", "syscall", embedded + compilers, kernel)
    if btf := list(_btf(view, kernel)):
        yield _facility("kernel.btf", "A kernel with BTF type information", "btf", btf, kernel)
    if compilers:
        yield Finding(
            id="kernel.bpf-headers",
            title=f"Kernel headers, mounted or built in ({kernel.bpf_options['headers'].value}), to compile BPF with",
            confidence=Confidence.HINT,
            evidence=together(compilers)[1],
        )


def _embedded(view: DetectorView, kernel: Kernel) -> Iterator[Use]:
    for path, elf in view.elves():
        for one in elf.bpf:
            told = f"A BPF object with the programs {', '.join(one.programs[:5]) or '(unnamed)'}"[:300]
            yield Use(_confidence(view, path, elf, kernel), view.at(path, told, f"offset {one.offset}"))


def _btf(view: DetectorView, kernel: Kernel) -> Iterator[Use]:
    for path, elf in view.elves():
        for one in elf.bpf:
            if reason := _reason(one):
                yield Use(_confidence(view, path, elf, kernel), view.at(path, reason, f"offset {one.offset}"))


def _reason(one: BpfObject) -> str:
    """Return why an object needs the host's BTF; empty if it does not."""
    if one.core_relocations > 0:
        return f"A BPF object with {one.core_relocations} bytes of CO-RE relocations"
    attached = [name for name in one.programs if _NEEDS_BTF.fullmatch(name)]
    return f"A BPF program that attaches by kernel types: {attached[0]}"[:300] if attached else ""


def _confidence(view: DetectorView, path: str, elf: ElfFacts, kernel: Kernel) -> Confidence:
    """Return how sure the use of a file's objects is: likely at most, as programs can try and go on without.

    A library, or an object in a file of its own, is used by nobody that can be seen unless it is reached.
    """
    name = posixpath.basename(path)
    optional = any(fnmatchcase(name, pattern) for pattern in kernel.optional_bpf)
    idle = view.reach(path) is None and (elf.soname or elf.machine == BPF_MACHINE)
    return view.confidence(path, Confidence.HINT if optional or idle else Confidence.LIKELY)


def _facility(identity: str, title: str, option: str, found: list[Use], kernel: Kernel) -> Finding:
    row = kernel.bpf_options[option]
    confidence, evidence = together(found)
    confidence = capped(confidence, row)
    unused = confidence is Confidence.HINT
    facts: dict[str, JsonValue] = {"kernel.config": [row.value]}
    if option == "btf":
        facts["kernel.btf"] = True
    return Finding(
        id=identity,
        title=f"{title} ({row.value})",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=FacilityRequirement(facility=(row.value,)),
        facts={} if unused else facts,
        evidence=evidence,
    )


DETECTOR = Detector(
    id="bpf",
    title="BPF programs",
    interests=Interests(elf=True, bpf=True, packages=True, config=("architecture",)),
    detect=detect,
    facts=("kernel.config", "kernel.btf"),
    features=("kernel.config",),
)
