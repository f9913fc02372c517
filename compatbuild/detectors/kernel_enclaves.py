"""Enclaves and protected guests: programs that need SGX or TDX of the processor, switched on by firmware and kernel."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._users import INTERESTS, uses_of
from compatbuild.detectors._uses import Use, together
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.kernel import Enclave
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import NfdRequirement

METADATA = ".note.sgxmeta"
"""The section of a signed enclave that holds its signature and layout (intel/linux-sgx, psw/urts/parser)."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one finding for each kind of protection that something in the image is built on."""
    rows = knowledge.kernel.enclaves
    for name, found in sorted(uses_of(view, rows).items()):
        uses = found + (_enclaves(view) if name == "sgx" else [])
        if uses:
            yield _finding(name, rows[name].value, uses)


def _enclaves(view: DetectorView) -> list[Use]:
    """Return signed enclaves: some program loads them by name, which cannot be seen."""
    return [
        Use(Confidence.HINT, view.at(path, "It is a signed SGX enclave", METADATA))
        for path, elf in view.elves()
        if METADATA in elf.sections
    ]


def _finding(name: str, enclave: Enclave, uses: list[Use]) -> Finding:
    confidence, evidence = together(uses)
    return Finding(
        id=f"cpu.{name}",
        title=f"A host with {enclave.title}",
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=NfdRequirement(nfd="cpu.security", name=enclave.element, op="IsTrue"),
        evidence=evidence,
    )


DETECTOR = Detector(
    id="kernel_enclaves",
    title="SGX enclaves and protected guests",
    interests=INTERESTS,
    detect=detect,
    features=("cpu.security",),
)
