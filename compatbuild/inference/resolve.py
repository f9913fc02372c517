"""From findings to facts and to the requirements of a specification: merge, and say where findings disagree."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from compatbuild.model.facts import FACTS, Merge
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.report import Fact
from compatbuild.model.requirement import AnyRequirement

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
    """Return what goes into a specification: the requirements of proven and likely findings, equal ones once.

    Each carries the id of its finding and, unless it has one, the finding's title and first place as its comment.
    Ranges and levels over one subject are merged when they are compiled, so that an author still sees each.
    """
    found: dict[str, AnyRequirement] = {}
    for finding in sorted(findings, key=lambda f: (ORDER.index(f.confidence), f.id)):
        if finding.requirement is None or finding.confidence is Confidence.HINT:
            continue
        name = finding.requirement.id if finding.requirement.id != "author" else finding.id
        comment = finding.requirement.comment or f"{finding.title} ({finding.evidence[0].path})"
        named = finding.requirement.model_copy(update={"id": name, "comment": comment})
        found.setdefault(named.model_dump_json(exclude={"id", "comment"}), named)
    return tuple(sorted(found.values(), key=lambda requirement: requirement.id))
