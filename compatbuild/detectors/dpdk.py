"""DPDK programs: huge pages, and a way to drive PCI devices from user space."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._users import uses
from compatbuild.detectors._uses import together
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import capped
from compatbuild.knowledge.subjects import Facility
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, FacilityRequirement, HugepagesRequirement


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what users of DPDK need by default; never more than likely, as options switch both off."""
    found = [use for row in knowledge.kernel.dpdk.values() for use in uses(view, row)]
    if not found:
        return
    confidence, evidence = together(found)
    unused = confidence is Confidence.HINT
    severity = Severity.INFO if unused else Severity.REQUIRED
    yield Finding(
        id="kernel.hugepages",
        title="Huge pages for DPDK",
        confidence=confidence,
        severity=severity,
        requirement=HugepagesRequirement(hugepages="any"),
        facts={} if unused else {"kernel.hugepages": True},
        evidence=evidence,
    )
    ways = knowledge.kernel.user_space_io
    yield Finding(
        id="kernel.user-space-io",
        title=f"{' or '.join(row.value.title for row in ways.values())} for DPDK",
        confidence=capped(confidence, *ways.values()),
        severity=severity,
        requirement=AlternativesRequirement(any=tuple((_facility(row.value),) for row in ways.values())),
        evidence=evidence,
    )


def _facility(way: Facility) -> FacilityRequirement:
    return FacilityRequirement(facility=way.options, modules=way.modules)


DETECTOR = Detector(
    id="dpdk",
    title="DPDK: huge pages and user-space drivers",
    interests=Interests(elf=True, packages=True, config=("architecture",)),
    detect=detect,
    facts=("kernel.hugepages",),
    features=("kernel.config", "kernel.enabledmodule", "memory.hugepages"),
)
