"""The explanation of a verdict as the page tells it, each distinct one once, however many cells it explains."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from compatbuild.checking.deciding import MAX_VALUES, set_name
from compatbuild.checking.verdicts import (
    ExpressionVerdict,
    HostVerdict,
    NeedVerdict,
    RuleVerdict,
    SetVerdict,
    Verdict,
    best,
    worst,
)
from compatbuild.report.verdicts import because, wanted


@dataclass(frozen=True, slots=True)
class Line:
    """Expressions or needs that fare alike.

    What was found stands here only where that does not hold, and where it is from never: both differ from host to host,
    and the page tells them with the host.
    """

    verdict: Verdict
    wanted: tuple[str, ...]
    found: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, of which one has to hold; ``decides`` tells that it is for want of one that the rule does not."""

    branches: tuple[tuple[Line, ...], ...]
    verdict: Verdict
    holding: int
    decides: bool

    @property
    def told(self) -> str:
        """How many hold, in words."""
        if self.holding:
            return f"{self.holding} of them {'does' if self.holding == 1 else 'do'}"
        return f"none of them does{'' if self.verdict is Verdict.INCOMPATIBLE else ' for sure'}"


@dataclass(frozen=True, slots=True)
class Part:
    """A rule, or what NFD cannot say: ``title`` is empty where there is but one."""

    title: str
    verdict: Verdict
    lines: tuple[Line, ...]
    choice: Choice | None = None

    @property
    def open(self) -> tuple[Line, ...]:
        """The lines that do not hold, the worst first."""
        lines = (line for line in self.lines if line.verdict is not Verdict.COMPATIBLE)
        return tuple(sorted(lines, key=lambda line: line.verdict.rank))

    @property
    def holding(self) -> tuple[Line, ...]:
        """The lines that hold."""
        return tuple(line for line in self.lines if line.verdict is Verdict.COMPATIBLE)

    @property
    def held(self) -> int:
        """How many expressions hold."""
        return sum(len(line.wanted) for line in self.holding)


@dataclass(frozen=True, slots=True)
class Story:
    """Why a verdict is what it is, whoever it is about: equal stories are told once."""

    verdict: Verdict
    because: str
    parts: tuple[Part, ...]


def story(host: HostVerdict) -> Story:
    """Return the explanation of one host's verdict, without the host."""
    return Story(host.verdict, because(host), tuple(_parts(host)))


def _parts(host: HostVerdict) -> Iterator[Part]:
    many = len(host.sets) > 1
    for item in host.sets:
        counts = ", which counts" if many and item is host.chosen else ""
        for rule in item.rules:
            titles = [f"{set_name(item)}{counts}"] if many else []
            titles += [f"rule {rule.name}"] if rule.reason or len(item.rules) > 1 else []
            yield _part(", ".join(titles), item, rule)
    if host.needs:
        yield Part(
            "what NFD cannot say", worst(*(need.verdict for need in host.needs)), _merged(map(_need, host.needs))
        )


def _part(title: str, item: SetVerdict, rule: RuleVerdict) -> Part:
    lines = _merged(map(_line, rule.expressions))
    if rule.reason:
        lines = (Line(rule.verdict, (f"rule {rule.name} of {set_name(item)}",), "", rule.reason), *lines)
    return Part(title, rule.verdict, lines, _choice(rule))


def _choice(rule: RuleVerdict) -> Choice | None:
    if not rule.branches:
        return None
    deciding = rule.deciding()
    decides = deciding is not None and deciding not in rule.expressions
    verdicts = [worst(*(row.verdict for row in branch)) for branch in rule.branches]
    lines = tuple(_merged(map(_line, branch)) for branch in rule.branches)
    return Choice(lines, best(*verdicts), verdicts.count(Verdict.COMPATIBLE), decides)


def _line(row: ExpressionVerdict) -> Line:
    reason = f"{row.reason} ({row.detail})" if row.detail else row.reason
    found = ", ".join(row.found[:MAX_VALUES])
    return _told(row.verdict, wanted(row), found, reason, row.remedy)


def _need(need: NeedVerdict) -> Line:
    return _told(need.verdict, need.wanted, need.found, need.reason, need.remedy)


def _told(verdict: Verdict, asked: str, found: str, reason: str, remedy: str) -> Line:
    said = reason == f"it is {found}"
    if verdict is Verdict.COMPATIBLE:
        return Line(verdict, (asked,), "", "" if said else reason)
    return Line(verdict, (asked,), "" if said else found, reason, remedy)


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lines with those that differ in nothing but what is wanted put together, each where it first was."""
    groups: dict[Line, list[str]] = {}
    for line in lines:
        groups.setdefault(replace(line, wanted=()), []).extend(line.wanted)
    return tuple(replace(line, wanted=tuple(texts)) for line, texts in groups.items())
