"""What a report says, held against a case."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compatbuild.inference.resolve import requirements
from compatbuild.model.finding import Confidence
from compatbuild.model.report import Report
from compatbuild.model.requirement import AlternativesRequirement, AnyRequirement, ArchitectureRequirement
from tests.ground_truth.cases import Case, Pattern

PLAIN = re.compile(
    r"cpu\.(?:architecture|level|flags|page-size)(?:-unused)?|libc\..*|os\.release|runtime\.system-calls"
)
"""Findings that any program may lead to: architecture, CPU, and the C library with the system calls it makes."""
_CLASSES = {"cuda": "nvidia", "nvidia": "nvidia", "rocm": "rocm", "intel": "intel"}


@dataclass(frozen=True)
class Verdict:
    """How a report did: patterns that were missed or broken, requirements that nobody expected, and all claims.

    ``found`` are the patterns of ``must`` that hold; ``claims`` pairs the class of each requirement with whether it was
    expected.
    """

    found: tuple[Pattern, ...]
    missing: tuple[Pattern, ...]
    broken: tuple[str, ...]
    surprises: tuple[str, ...]
    claims: tuple[tuple[str, bool], ...]

    @property
    def passed(self) -> bool:
        """Say whether every ``must`` was found and no ``must_not``."""
        return not self.missing and not self.broken


def judge(case: Case, report: Report) -> Verdict:
    """Hold a report against a case."""
    found = tuple(pattern for pattern in case.must if holds(pattern, report))
    broken = [str(pattern) for pattern in case.must_not if holds(pattern, report)]
    expected = [pattern for pattern in (*case.must, *case.may) if pattern.requires or pattern.offers]
    claimed = [need for need in requirements(report.findings) if not isinstance(need, ArchitectureRequirement)]
    surprises = [need for need in claimed if not any(_expects(pattern, need) for pattern in expected)]
    if case.closed:
        broken += [f"requires {_text(need)}" for need in surprises]
    if case.plain:
        broken += [f"finding {f.id}" for f in report.findings if not PLAIN.fullmatch(f.id)]
    broken += [f"skipped {one.what}: {one.why}" for one in report.skipped]
    return Verdict(
        found=found,
        missing=tuple(pattern for pattern in case.must if pattern not in found),
        broken=tuple(broken),
        surprises=tuple(_text(need) for need in surprises),
        claims=tuple((class_of(need.id), need not in surprises) for need in claimed),
    )


def class_of(finding: str) -> str:
    """Return the class of a finding, by the first word of its id."""
    word = finding.partition(".")[0]
    return _CLASSES.get(word, word)


def holds(pattern: Pattern, report: Report) -> bool:
    """Say whether a report says what a pattern describes."""
    if pattern.requires is not None:
        return any(covers(pattern.requires, _plain(need)) for need in requirements(report.findings))
    if pattern.offers is not None:
        offered = (inner for need in requirements(report.findings) for inner in _within(need))
        return any(covers(pattern.offers, _plain(need)) for need in offered)
    if pattern.hint is not None:
        told = (f.requirement for f in report.findings if f.confidence is Confidence.HINT and f.requirement)
        return any(covers(pattern.hint, _plain(need)) for need in told)
    if pattern.finding:
        return any(finding.id == pattern.finding for finding in report.findings)
    return pattern.fact in report.facts and _is(pattern, report.facts[pattern.fact].value)


def _is(pattern: Pattern, value: Any) -> bool:
    if pattern.includes is not None:
        return covers(pattern.includes, value)
    if pattern.above:
        return _numbers(str(value)) > _numbers(pattern.above)
    return pattern.equals is None or bool(value == pattern.equals)


def covers(pattern: Any, actual: Any) -> bool:
    """Say whether ``actual`` has all that ``pattern`` names: every key, every item of a list, or the value itself."""
    if isinstance(pattern, dict):
        return isinstance(actual, dict) and all(k in actual and covers(v, actual[k]) for k, v in pattern.items())
    if isinstance(pattern, list):
        return isinstance(actual, list | tuple) and all(any(covers(p, a) for a in actual) for p in pattern)
    return bool(pattern == actual) or (isinstance(actual, list | tuple) and pattern in actual)


def _expects(pattern: Pattern, need: AnyRequirement) -> bool:
    if pattern.requires is not None:
        return covers(pattern.requires, _plain(need))
    return any(covers(pattern.offers, _plain(inner)) for inner in _within(need))


def _within(need: AnyRequirement) -> Iterator[AnyRequirement]:
    """Yield what stands within alternatives, at any depth."""
    if isinstance(need, AlternativesRequirement):
        for branch in need.any:
            for inner in branch:
                yield inner
                yield from _within(inner)


def _plain(need: AnyRequirement) -> dict[str, Any]:
    return need.model_dump(mode="json")


def _text(need: AnyRequirement) -> str:
    told = need.model_dump(mode="json", exclude={"comment"}, exclude_defaults=True)
    return ", ".join(f"{key} {value}" for key, value in told.items())


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]
