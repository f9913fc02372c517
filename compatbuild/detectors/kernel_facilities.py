"""Kernel facilities that some programs are of no use without: FUSE, KVM, TUN and the like."""

from collections.abc import Iterator

from pydantic import JsonValue

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import together, uses
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.subjects import Facility
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import FacilityRequirement


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one finding for each facility whose programs, packages or library users are in the image."""
    for name, row in sorted(knowledge.kernel.facilities.items()):
        if found := list(uses(view, row)):
            yield _finding(name, row.value, *together(found))


def _finding(name: str, facility: Facility, confidence: Confidence, evidence: tuple[Evidence, ...]) -> Finding:
    unused = confidence is Confidence.HINT
    facts: dict[str, JsonValue] = {"kernel.config": list(facility.options)}
    if len(facility.modules) == 1:  # of several any will do, so that none is needed
        facts["kernel.modules"] = list(facility.modules)
    return Finding(
        id=f"kernel.{name}",
        title=f"A kernel with {facility.title}",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=FacilityRequirement(facility=facility.options, modules=facility.modules),
        facts={} if unused else facts,
        evidence=evidence,
    )


DETECTOR = Detector(
    id="kernel_facilities",
    title="Kernel facilities that programs are built on",
    interests=Interests(elf=True, packages=True, config=("architecture",)),
    detect=detect,
    facts=("kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule"),
)
