"""What the terms of a specification ask, in the words of requirements where these say exactly the same.

A comparison that no requirement stands for, or that is not written as this tool writes it, stays what it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compatbuild.inference.entailment import Term
from compatbuild.inference.kernel_pattern import kernel_range
from compatbuild.model.requirement import AnyRequirement
from compatbuild.nfd import encodings, wire
from compatbuild.nfd.catalogue import Kind, catalogue
from compatbuild.nfd.conditions import Check, Condition

_REQUIREMENT: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)


def lifted(terms: Iterable[wire.Term]) -> Iterator[Term]:
    """Yield what terms ask: of a device all of a term in one, of anything else each comparison by itself."""
    for term in terms:
        name = term.feature.lower()  # as NFD looks it up
        checks = [_check(element, one) for element, one in sorted((term.match_expressions or {}).items())]
        if term.match_name is not None:
            checks.append(_check("", term.match_name))
        feature = catalogue().feature(name)
        if feature is not None and Kind.INSTANCE in feature.kinds:
            yield _requirement(_device(name, checks)) or Condition(name, tuple(sorted(checks)))
        else:
            yield from (_requirement(_words(name, check)) or Condition(name, (check,)) for check in checks)


def _check(name: str, expression: wire.Expression | None) -> Check:
    """Return a comparison; a null expression, at which NFD panics, is like no other operator."""
    found = expression or wire.Expression(op="null")
    return Check(name, found.op, found.value, found.type)


def _requirement(document: Mapping[str, Any]) -> Term | None:
    """Return the requirement of some fields, None where there are none or they are not of its form."""
    try:
        return _REQUIREMENT.validate_python(document) if document else None
    except ValidationError:
        return None


def _words(feature: str, check: Check) -> dict[str, Any]:
    """Return the requirement that says the same as a comparison, nothing where there is none."""
    fields: dict[str, Any] = {}
    match feature, check:
        case encodings.CPU, Check(name=name, op="Exists", value=()) if name:
            fields = {"cpu": (name,)}
        case encodings.CONFIG, Check(name=name, op="In", value=values) if name and values:
            fields = {"config": {name: values}}
        case encodings.CONFIG, Check(name=name, op="DoesNotExist", value=()) if name:
            fields = {"config": {name: ()}}
        case encodings.KERNEL, Check(name="full", op="In", value=releases):
            fields = {"kernel_release": releases}
        case encodings.KERNEL, Check(name="full", op="InRegexp", value=(pattern,)):
            fields = {"kernel": kernel_range(pattern)}
        case encodings.LOADED | encodings.ENABLED, _:
            fields = {"module": _names(check), "state": _STATES[feature]}
    return fields


_STATES = {encodings.LOADED: "loaded", encodings.ENABLED: "enabled"}


def _names(check: Check) -> tuple[str, ...]:
    """Return the names of which one must be there, nothing where that is not what is asked."""
    if check.name:
        return (check.name,) if check.op == "Exists" and not check.value else ()
    return check.value if check.op == "In" else ()


def _device(feature: str, checks: Iterable[Check]) -> dict[str, Any]:
    """Return the requirement of a PCI device that says the same as some comparisons, nothing where there is none."""
    fields: dict[str, Any] = {}
    for check in checks:
        key = _PCI.get((check.name, check.op))
        if feature != "pci.device" or key is None:
            return {}
        prefixes = check.op == "InRegexp" and all(value.startswith("^") for value in check.value)
        fields[key] = tuple(value.removeprefix("^") for value in check.value) if prefixes else check.value
    return fields if "pci" in fields else {}


_PCI = {("vendor", "In"): "pci", ("class", "InRegexp"): "classes", ("device", "In"): "devices"}
