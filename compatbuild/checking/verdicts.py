"""What a check answers: verdicts of expressions, rules, sets, hosts and images."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether something fits, worst first: the verdict of an AND is the first of its parts', of an OR the last.

    ``unknown``: nobody knows. ``depends``: on what a node has loaded by then, or on hardware and drivers that an
    operating system says nothing about.
    """

    INCOMPATIBLE = "incompatible"
    UNKNOWN = "unknown"
    DEPENDS = "depends"
    COMPATIBLE = "compatible"

    @property
    def rank(self) -> int:
        """The place in that order, from 0."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(*verdicts: Verdict) -> Verdict:
    """Return the verdict of all together; of none it is compatible."""
    return min(verdicts, key=_RANKS.__getitem__, default=Verdict.COMPATIBLE)


def best(*verdicts: Verdict) -> Verdict:
    """Return the verdict of alternatives; of none it is compatible, as nothing is asked."""
    return max(verdicts, key=_RANKS.__getitem__, default=Verdict.COMPATIBLE)


@dataclass(frozen=True, slots=True)
class ExpressionVerdict:
    """One expression: what it wants, what the host has, and why that fits or not.

    ``name`` is empty for ``matchName``, whose ``found`` are names of elements. ``present`` tells whether the element is
    there (a flag has no value to be found). ``detail`` explains the reason further, ``source`` is where the fact comes
    from, ``remedy`` what can be done.
    """

    feature: str
    name: str
    op: str
    value: tuple[str, ...]
    type: str
    present: bool
    found: tuple[str, ...]
    verdict: Verdict
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """One rule: all ``expressions``, and all of at least one of the ``branches`` (if any) must hold.

    ``reason`` is set when it could not be evaluated.
    """

    name: str
    verdict: Verdict
    expressions: tuple[ExpressionVerdict, ...]
    branches: tuple[tuple[ExpressionVerdict, ...], ...] = ()
    reason: str = ""

    def deciding(self) -> ExpressionVerdict | None:
        """Return the expression that makes the verdict what it is: of alternatives, one of the nearest to passing.

        None when the rule passes, or could not be evaluated.
        """
        if self.verdict is Verdict.COMPATIBLE or self.reason:
            return None
        nearest: tuple[ExpressionVerdict, ...] = max(self.branches, key=_nearness, default=())
        return next((row for row in (*self.expressions, *nearest) if row.verdict is self.verdict), None)


def _nearness(rows: tuple[ExpressionVerdict, ...]) -> tuple[int, int]:
    verdict = worst(*(row.verdict for row in rows))
    return verdict.rank, -sum(row.verdict is verdict for row in rows)


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """One set: all of its rules must hold."""

    tag: str
    weight: int
    description: str
    verdict: Verdict
    rules: tuple[RuleVerdict, ...]


@dataclass(frozen=True, slots=True)
class NeedVerdict:
    """Something that NFD cannot say: a driver's version, code for a GPU."""

    id: str
    wanted: str
    found: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """One host: any set that passes will do, and every further need must be met."""

    name: str
    kind: str
    fidelity: str
    verdict: Verdict
    sets: tuple[SetVerdict, ...]
    needs: tuple[NeedVerdict, ...] = ()

    @property
    def chosen(self) -> SetVerdict | None:
        """The set that counts: the best verdict, then the highest weight, then the author's order."""
        return max(self.sets, key=lambda one: (one.verdict.rank, one.weight), default=None)

    @property
    def deciding(self) -> ExpressionVerdict | NeedVerdict | RuleVerdict | None:
        """What makes the verdict what it is: an expression, a need, or a rule that could not be evaluated.

        None for a compatible host.
        """
        chosen = self.chosen
        if self.verdict is Verdict.COMPATIBLE:
            return None
        if chosen is not None and chosen.verdict is self.verdict:
            rule = next(rule for rule in chosen.rules if rule.verdict is self.verdict)
            return rule.deciding() or rule
        return next((need for need in self.needs if need.verdict is self.verdict), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What was checked: the name as it was typed, and where specification and report came from.

    ``kind`` is ``reference``, ``spec``, ``report`` or ``source``; ``digest`` the manifest or index whose specification
    it is, ``spec`` the artifact's digest, ``level`` ``platform`` or ``index``; ``verified`` whether the author's
    signature was checked. ``information`` are sentences that no verdict rests on.
    """

    name: str
    kind: str
    digest: str = ""
    spec: str = ""
    level: str = ""
    verified: bool = False
    report: bool = False
    information: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdicts on one subject, a host each."""

    subject: Subject
    hosts: tuple[HostVerdict, ...]
