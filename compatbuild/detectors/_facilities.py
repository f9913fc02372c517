"""Findings that the kernel must be able to do something, from the uses that show it."""

from collections.abc import Collection
from types import MappingProxyType

from pydantic import JsonValue

from compatbuild.detectors._uses import Use, together
from compatbuild.knowledge.kernel import Facility, Introduced
from compatbuild.knowledge.rows import Grade, Table
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AnyRequirement, FacilityRequirement, ModuleRequirement

_UNDATED: Table[str, Introduced] = MappingProxyType({})


def facility_finding(
    identity: str, facility: Facility, uses: Collection[Use], introduced: Table[str, Introduced] = _UNDATED
) -> Finding:
    """Return the finding that a facility is needed, as sure as the surest of its uses (at least one).

    The title says when Linux got its options, where that is more than believed; it is no demand.
    """
    confidence, evidence = together(uses)
    unused = confidence is Confidence.HINT
    return Finding(
        id=identity,
        title=f"A kernel with {facility.title}{_dates(facility, introduced)}",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=facility_requirement(facility),
        facts={} if unused else _facts(facility),
        evidence=evidence,
    )


def _dates(facility: Facility, introduced: Table[str, Introduced]) -> str:
    known = [(option, row) for option in facility.options if (row := introduced.get(option))]
    told = [f"{option}: in Linux {row.value.told}" for option, row in known if row.grade is not Grade.BELIEVED]
    return f" ({'; '.join(told)})" if told else ""


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
