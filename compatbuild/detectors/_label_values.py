"""The values of ``org.compatbuild.require.*`` labels: requirements in a line of a Dockerfile.

A value is what stands behind the subject's key in a template, in a short form without quotes and brackets where the
subject has one, or JSON: the value alone, or the whole requirement as an object (docs/detectors/labels.md).
"""

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compatbuild.errors import SpecError
from compatbuild.model import requirement as model
from compatbuild.model.requirement import SUBJECTS, AnyRequirement
from compatbuild.nfd import encodings
from compatbuild.nfd.catalogue import catalogue
from compatbuild.nfd.ranges import Range

MAX_VALUE = 4_000
"""Characters of a label's value."""
MAX_DEPTH = 8
"""Levels of alternatives within alternatives, as in a template."""
MAX_NESTING = 64
"""Levels of JSON that a value may have before it is looked at."""

_LEVEL = re.compile(r"x86-64-v\d+")
_OPTION = re.compile(r"([^=]*)=(.*)")
_PAGES = re.compile(r"([1-9]\d{0,8}(?:Ki|Mi|Gi))(.*)", re.DOTALL)
_REQUIREMENT: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)


def requirement_of(subject: str, text: str) -> AnyRequirement:
    """Return the requirement that a label states; SpecError, in one line, for a value that is none.

    Drivers and compute capabilities are asked of every host, unless the label says ``"when": "present"``: the author of
    an image that merely uses a GPU where there is one need not declare anything.
    """
    if len(text) > MAX_VALUE:
        raise SpecError("it is too long", why=f"at most {MAX_VALUE:,} characters are read")
    document = _document(subject, text.strip())
    if subject in ("driver", "compute"):
        document = {"when": "always"} | document
    try:
        found = _REQUIREMENT.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or subject
        raise SpecError(f"{place}: {first['msg']}"[:300]) from error
    _require_meaning(found, 0)
    return found


def _document(subject: str, text: str) -> dict[str, Any]:
    """Return the requirement as a mapping, not yet checked."""
    if not text:
        raise SpecError("it is empty")
    if text[0] not in "{[":
        short = _SHORT.get(subject)
        if short is None:
            raise SpecError(f"{subject} is written as JSON")
        return {subject: short(text)}
    value = _json(text)
    if isinstance(value, list):
        return {subject: value}
    if subject not in value and subject in ("config", "hugepages"):  # whose values are objects themselves
        return {subject: value}
    if subject not in value:
        raise SpecError(f"the object has no key {subject}")
    return dict(value)


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError("it begins as JSON does, and is none") from error
    if _nesting(value) > MAX_NESTING:
        raise SpecError("it is nested too deeply")
    return value


def _nesting(value: Any) -> int:
    """Return how many levels a value has, level by level, for one of a thousand must not exhaust the stack."""
    level, depth = [value], 0
    while level and depth <= MAX_NESTING:
        inner = [each for one in level if isinstance(one, dict | list) for each in _inner(one)]
        level, depth = inner, depth + 1
    return depth


def _inner(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _cpu(text: str) -> str | list[str]:
    return text if _LEVEL.fullmatch(text) else _words(text)


def _options(text: str) -> list[str]:
    return [word.removeprefix("CONFIG_") for word in _words(text)]


def _config(text: str) -> dict[str, list[str]]:
    """Read ``HZ=250|300,PREEMPT_RT=``: options with the values allowed, none for one that must not be set."""
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        match = _OPTION.fullmatch(part.strip())
        if match is None:
            raise SpecError(f"{part.strip()!r} is no NAME=VALUE"[:100])
        found[match[1].strip().removeprefix("CONFIG_")] = [word.strip() for word in match[2].split("|") if word.strip()]
    return found


def _hugepages(text: str) -> str | dict[str, str]:
    """Read ``any``, or ``2Mi>=1024,1Gi>=4``: sizes with the numbers of pages."""
    if text == "any":
        return text
    found: dict[str, str] = {}
    for part in text.split(","):
        match = _PAGES.fullmatch(part.strip())
        if match is None:
            raise SpecError(f"{part.strip()!r} is no number of pages, such as 2Mi>=1024"[:100])
        found[match[1]] = f"{found[match[1]]},{match[2]}" if match[1] in found else match[2]
    return found


def _vendors(text: str) -> list[str]:
    return [word.lower().removeprefix("0x") for word in _words(text)]


def _same(text: str) -> str:
    return text


_SHORT: dict[str, Callable[[str], Any]] = {
    "architecture": _same,
    "cpu": _cpu,
    "kernel": _same,
    "kernel_release": _words,
    "facility": _options,
    "config": _config,
    "module": _words,
    "pci": _vendors,
    "driver": _same,
    "compute": _same,
    "hugepages": _hugepages,
}
"""The short form of each subject that has one."""

LABEL_SUBJECTS = tuple(name for name in SUBJECTS if name != "nfd")
"""What a label may be about. Expressions of NFD, verbatim, belong into a template, where they are validated as such."""


def _require_meaning(requirement: model.Requirement, depth: int) -> None:
    """Raise SpecError for what has the right form and cannot be asked of a host."""
    match requirement:
        case model.NfdRequirement():
            raise SpecError("expressions of NFD are not taken from labels; write them into a template")
        case model.CpuRequirement(cpu=tuple() as flags):
            _require_flags(flags)
        case model.AlternativesRequirement():
            if depth >= MAX_DEPTH:
                raise SpecError("its alternatives are nested too deeply")
            for inner in (each for branch in requirement.any for each in branch):
                _require_meaning(inner, depth + 1)
        case _:
            _require_ranges(requirement)


def _require_ranges(requirement: model.Requirement) -> None:
    match requirement:
        case model.KernelRequirement():
            Range.parse(requirement.kernel)
        case model.DriverRequirement():
            Range.parse(requirement.driver)
        case model.ComputeRequirement():
            encodings.compute_in(Range.parse(requirement.compute))
        case model.HugepagesRequirement(hugepages=dict() as pages):
            for size, text in pages.items():
                _require_pages(size, text)


def _require_pages(size: str, text: str) -> None:
    if _PAGES.fullmatch(size) is None:
        raise SpecError(f"{size[:50]!r} is no page size, such as 2Mi")
    encodings.hugepages_in(size, Range.parse(text))


def _require_flags(flags: tuple[str, ...]) -> None:
    known = catalogue().features[encodings.CPU]
    for flag in flags:
        if known.element(flag) is None:
            near = known.near(flag)
            raise SpecError(f"NFD knows no CPU flag {flag[:50]}" + (f"; did you mean {near[0]}?" if near else ""))
