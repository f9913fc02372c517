"""DPDK and SPDK programs: huge pages, and a way to drive PCI devices from user space."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_requirement
from compatbuild.detectors._users import INTERESTS, uses_of
from compatbuild.detectors._uses import together
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, HugepagesRequirement


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what users of DPDK need by default; never more than likely, as options switch both off."""
    found = [use for uses in uses_of(view, knowledge.kernel.dpdk).values() for use in uses]
    if not found:
        return
    confidence, evidence = together(found)
    yield Finding(
        id="kernel.hugepages",
        title="Huge pages for DPDK",
        confidence=confidence,
        severity=_severity(confidence),
        requirement=HugepagesRequirement(hugepages="any"),
        facts={} if confidence is Confidence.HINT else {"kernel.hugepages": True},
        evidence=evidence,
    )
    ways = knowledge.kernel.user_space_io
    confidence = capped(confidence, *ways.values())
    yield Finding(
        id="kernel.user-space-io",
        title=f"{' or '.join(row.value.title for row in ways.values())} for DPDK",
        confidence=confidence,
        severity=_severity(confidence),
        requirement=AlternativesRequirement(any=tuple((facility_requirement(row.value),) for row in ways.values())),
        evidence=evidence,
    )


def _severity(confidence: Confidence) -> Severity:
    return Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED


DETECTOR = Detector(
    id="dpdk",
    title="DPDK: huge pages and user-space drivers",
    interests=INTERESTS,
    detect=detect,
    facts=("kernel.hugepages",),
    features=("kernel.config", "kernel.enabledmodule", "memory.hugepages"),
)
