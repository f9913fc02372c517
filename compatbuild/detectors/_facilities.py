"""Findings that the kernel must be able to do something, from the uses that show it."""

from collections.abc import Collection

from pydantic import JsonValue

from compatbuild.detectors._uses import Use, together
from compatbuild.knowledge.kernel import Facility
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AnyRequirement, FacilityRequirement, ModuleRequirement


def facility_finding(identity: str, facility: Facility, uses: Collection[Use]) -> Finding:
    """Return the finding that a facility is needed, as sure as the surest of its uses (at least one)."""
    confidence, evidence = together(uses)
    unused = confidence is Confidence.HINT
    return Finding(
        id=identity,
        title=f"A kernel with {facility.title}",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=facility_requirement(facility),
        facts={} if unused else _facts(facility),
        evidence=evidence,
    )


def facility_requirement(facility: Facility) -> AnyRequirement:
    """Return the requirement for a facility: its options, or one of its modules if the kernel has no option for it."""
    if facility.options:
        return FacilityRequirement(facility=facility.options, modules=facility.modules)
    return ModuleRequirement(module=facility.modules, state="enabled")


def _facts(facility: Facility) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"kernel.config": list(facility.options)} if facility.options else {}
    if len(facility.modules) == 1:  # of several any will do, so that none is needed
        facts["kernel.modules"] = list(facility.modules)
    return facts
