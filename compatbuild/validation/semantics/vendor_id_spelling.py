"""CPU vendors by the names the processor prints, where NFD uses those of its CPU library."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown

_RAW = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "VIA",
    "GenuineTMx86": "Transmeta",
    "Geode by NSC": "NSC",
}
"""CPUID vendor strings and the library's names for them (klauspost/cpuid v2.4.0, ``cpuid.go``)."""

_NAMES = (*_RAW.values(), "Ampere", "ARM", "NVIDIA", "Apple", "Qualcomm", "Cavium", "Marvell", "Fujitsu")
_MEANT = {name.casefold(): name for name in _NAMES} | {raw.casefold(): name for raw, name in _RAW.items()}


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature != "cpu.model" or not expression.element or expression.element.text != "vendor_id":
            continue
        if expression.operator not in {"In", "NotIn"}:
            continue
        for value in expression.values or ():
            meant = _MEANT.get(value.text.strip().casefold())
            if meant is not None and meant != value.text:
                yield Problem(value.place, f"NFD calls {shown(value.text)} `{meant}`", f'write "{meant}"')


RULE = Rule(
    id="vendor-id-spelling",
    title="A CPU vendor in another spelling",
    severity=Severity.ERROR,
    remedy="use the CPU library's name: Intel, AMD, Hygon, ARM",
    check=_check,
)
