"""An element that its feature never has: the expression is false on every host."""

from collections.abc import Iterator

from compatbuild.nfd.catalogue import Feature, catalogue
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Expression, Outline, Text
from compatbuild.validation.words import shown

_LINUX_NAMES = {
    "sse4_1": "SSE4",
    "sse4.1": "SSE4",
    "sse41": "SSE4",
    "sse4_2": "SSE42",
    "pni": "SSE3",
    "pclmulqdq": "CLMUL",
    "pclmul": "CLMUL",
    "fma": "FMA3",
    "bmi": "BMI1",
    "abm": "LZCNT",
    "lahf_lm": "LAHF",
    "sha_ni": "SHA",
}
"""CPU flags by the names of /proc/cpuinfo and of compilers, and by NFD's (klauspost/cpuid v2.4.0)."""


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        feature = catalogue().feature(expression.feature)
        if feature is not None and not feature.open:
            for name in _names(expression):
                if feature.element(name.text) is None:
                    yield _problem(name, feature)


def _names(expression: Expression) -> tuple[Text, ...]:
    if expression.element is not None:
        return (expression.element,)
    return (expression.values or ()) if expression.operator in {"In", "NotIn"} else ()


def _problem(name: Text, feature: Feature) -> Problem:
    near = _LINUX_NAMES.get(name.text.lower()) or next(iter(feature.near(name.text)), None)
    if near is not None:
        message = f"{feature.name} has no {shown(name.text)} (did you mean {shown(near)}?)"
        return Problem(name.place, message, f"write {shown(near)}")
    # A CPU flag that resembles none may be newer than the catalogue.
    severity = Severity.WARNING if feature.name == "cpu.cpuid" else None
    return Problem(name.place, f"{feature.name} has no {shown(name.text)} in NFD v0.19", severity=severity)


RULE = Rule(
    id="unknown-element",
    title="An element that its feature does not have",
    severity=Severity.ERROR,
    remedy="use NFD's name; names are case-sensitive",
    check=_check,
)
