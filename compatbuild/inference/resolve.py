"""From findings to facts and to the requirements of a specification: merge, and say where findings disagree."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from compatbuild.model.facts import FACTS, Merge
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.report import Fact
from compatbuild.model.requirement import AnyRequirement, CpuRequirement, DriverRequirement, KernelRequirement

ORDER = (Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT)
MAX_EVIDENCE = 20
"""Pieces of evidence kept for one finding; what is beyond adds nothing a person would read."""


@dataclass(frozen=True)
class Resolution:
    """Merged facts, and one sentence for each fact on which findings of equal confidence disagree."""

    facts: dict[str, Fact]
    conflicts: tuple[str, ...]


def combine(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings that say the same (all but their evidence), and sort them, the surest first."""
    joined: dict[str, Finding] = {}
    for finding in findings:
        key = finding.model_copy(update={"evidence": ()}).model_dump_json()
        known = joined.get(key)
        joined[key] = (
            finding if known is None else known.model_copy(update={"evidence": known.evidence + finding.evidence})
        )
    trimmed = []
    for finding in joined.values():
        evidence = tuple(sorted(set(finding.evidence), key=lambda e: (e.path, e.locator, e.statement)))[:MAX_EVIDENCE]
        trimmed.append(finding.model_copy(update={"evidence": evidence}))
    return tuple(sorted(trimmed, key=lambda f: (ORDER.index(f.confidence), f.id, f.model_dump_json())))


def resolve(findings: Sequence[Finding]) -> Resolution:
    """Merge what findings state about each fact, by the rule of the fact.

    A fact that must be the same everywhere takes the value of its surest finding; hints count only where nothing
    surer is known.
    """
    stated: dict[str, list[Finding]] = {}
    for finding in findings:
        for name in finding.facts:
            stated.setdefault(name, []).append(finding)
    facts, conflicts = {}, []
    for name in sorted(stated):
        sure = [f for f in stated[name] if f.confidence is not Confidence.HINT]
        group = sorted(sure or stated[name], key=lambda f: (ORDER.index(f.confidence), f.id))
        best = group[0].confidence
        facts[name] = Fact(value=_merged(name, group), confidence=best, findings=tuple(sorted({f.id for f in group})))
        rivals = {str(f.facts[name]): f.id for f in group if f.confidence is best}
        if _merge(name) is Merge.SAME and len(rivals) > 1:
            told = ", ".join(f"{value} ({finding})" for value, finding in sorted(rivals.items()))
            conflicts.append(f"findings disagree about {name}: {told}; the first by name is used")
    return Resolution(facts=facts, conflicts=tuple(conflicts))


def _merged(name: str, group: Sequence[Finding]) -> JsonValue:
    values = [finding.facts[name] for finding in group]
    match _merge(name):
        case Merge.SAME:
            return values[0]
        case Merge.MAX:
            return max(values, key=lambda value: _numbers(str(value)))
        case Merge.UNION:
            items = [item for value in values for item in (value if isinstance(value, list) else [value])]
            unique = {str(item): item for item in items}
            return [unique[key] for key in sorted(unique, key=_natural)]


def _merge(name: str) -> Merge:
    """Return how a fact merges; one that only a third party's detector knows must be the same everywhere."""
    return FACTS[name].merge if name in FACTS else Merge.SAME


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers in a version-like text, for ordering: ``525.60.13`` after ``525.9``, ``v3`` after ``v2``."""
    return tuple(int(number) for number in re.findall(r"\d{1,18}", text))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Order texts as people do, numbers in them by value: ``75``, ``90a``, ``100``; ``efa`` before ``psm3``."""
    pieces = re.split(r"(\d{1,18})", text)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]


def requirements(findings: Iterable[Finding]) -> tuple[AnyRequirement, ...]:
    """Return what goes into a specification: requirements of proven and likely findings, merged where they overlap.

    Of several x86-64 levels the highest stands; ranges over the same subject are joined into one, so that all hold.
    Each requirement carries the id of its finding and, unless it has one, the finding's title as its comment.
    """
    merged: dict[str, AnyRequirement] = {}
    for finding in sorted(findings, key=lambda f: (ORDER.index(f.confidence), f.id)):
        if finding.requirement is None or finding.confidence is Confidence.HINT:
            continue
        found = finding.requirement
        comment = found.comment or f"{finding.title} ({finding.evidence[0].path})"
        named = found.model_copy(update={"id": found.id if found.id != "author" else finding.id, "comment": comment})
        key = _overlap(named)
        merged[key] = _join(merged[key], named) if key in merged else named
    return tuple(merged[key] for key in sorted(merged, key=lambda k: merged[k].id))


def _overlap(requirement: AnyRequirement) -> str:
    """Return the same key for requirements that are to be one."""
    match requirement:
        case CpuRequirement(cpu=str()):
            return "cpu"
        case KernelRequirement():
            return "kernel"
        case DriverRequirement():
            return f"driver {requirement.gpu} {requirement.when}"
        case _:
            return requirement.model_dump_json(exclude={"id", "comment"})


def _join(first: AnyRequirement, second: AnyRequirement) -> AnyRequirement:
    match first, second:
        case CpuRequirement(cpu=str(one)), CpuRequirement(cpu=str(other)):
            return first if one >= other else second
        case KernelRequirement(), KernelRequirement():
            return first.model_copy(update={"kernel": _both(first.kernel, second.kernel)})
        case DriverRequirement(), DriverRequirement():
            return first.model_copy(update={"driver": _both(first.driver, second.driver)})
        case _:
            return first


def _both(one: str, other: str) -> str:
    return ",".join(dict.fromkeys([*one.split(","), *other.split(",")]))
