"""A specification on a host of which something may not be known.

NFD's exact matcher gives every expression an answer from what is known; where that is not all, Kleene's logic follows:
an expression about something unknown is unknown, an AND fails as soon as one part does, an OR holds as soon as one
branch does. On a host that is known in full, and whose settings forbid nothing, the verdict is NFD's own.
"""

from dataclasses import dataclass, replace

from compatbuild.checking.facts import Known
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
from compatbuild.hosts.host import Host
from compatbuild.nfd.matcher import MATCHED, evaluate
from compatbuild.nfd.results import Outcome, Row, RuleResult, SetResult, TermResult
from compatbuild.nfd.wire import Spec

ABORTED = "NFD ends with an error at this rule"
VARIABLES = "it rests on variables of an earlier rule whose verdict is open"


@dataclass(frozen=True, slots=True)
class _Terms:
    verdict: Verdict
    rows: tuple[ExpressionVerdict, ...]


class Judge:
    """One host, prepared for any number of specifications."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._known = Known(host)

    def judge(self, spec: Spec, needs: tuple[NeedVerdict, ...] = ()) -> HostVerdict:
        """Return the verdict on the host; without any set nothing is asked of it.

        Raises SpecError only when there is too much to compare.
        """
        run = _Run(self._known)
        sets = tuple(run.set(result) for result in evaluate(spec, self.host.features).sets)
        verdict = worst(best(*(one.verdict for one in sets)), *(need.verdict for need in needs))
        return HostVerdict(self.host.name, self.host.kind, self.host.fidelity, verdict, sets, needs)


class _Run:
    """One evaluation; what rules leave behind for later ones is only known as long as their verdicts are."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._open = False

    def set(self, result: SetResult) -> SetVerdict:
        rules = tuple(map(self._rule, result.rules))
        verdict = worst(*(rule.verdict for rule in rules))
        return SetVerdict(result.tag, result.weight, result.description, verdict, rules)

    def _rule(self, result: RuleResult) -> RuleVerdict:
        told: dict[TermResult, _Terms] = {}  # branches have most of their terms in common
        fixed = self._terms(result.terms, told)
        branches = [self._terms(branch.terms, told) for branch in result.branches]
        verdict = worst(fixed.verdict, best(*(branch.verdict for branch in branches)))
        reason = ""
        if result.outcome is Outcome.UNSUPPORTED:
            verdict, reason = Verdict.UNKNOWN, result.reason
        elif result.outcome is Outcome.ERROR:
            why = next((row.reason for row in result.rows if row.fault), result.reason)
            verdict, reason = Verdict.UNKNOWN, f"{ABORTED}: {why}"
        self._open = self._open or verdict in {Verdict.UNKNOWN, Verdict.DEPENDS}
        return RuleVerdict(result.name, verdict, fixed.rows, tuple(branch.rows for branch in branches), reason)

    def _terms(self, terms: tuple[TermResult, ...], told: dict[TermResult, _Terms]) -> _Terms:
        parts = [told.get(term) or told.setdefault(term, self._term(term)) for term in terms]
        return _Terms(worst(*(part.verdict for part in parts)), tuple(row for part in parts for row in part.rows))

    def _term(self, term: TermResult) -> _Terms:
        rows = tuple(self._row(term, row) for row in term.rows) or (self._bare(term),)
        verdict = worst(*(row.verdict for row in rows))
        if term.outcome is Outcome.FALSE and verdict is Verdict.COMPATIBLE and self._known.exact(term):
            answer = self._known.missing_device(term.feature.lower())  # each is there, but no device has all
            rows = tuple(replace(row, verdict=answer.verdict, reason=answer.reason) for row in rows)
            verdict = answer.verdict
        return _Terms(verdict, rows)

    def _row(self, term: TermResult, row: Row) -> ExpressionVerdict:
        feature = row.feature.lower()
        answer = self._known.answer(row, published=term.published)
        if feature == MATCHED and self._open:
            answer = replace(answer, verdict=Verdict.UNKNOWN, reason=VARIABLES)
        return ExpressionVerdict(
            feature=row.feature,
            name=row.name,
            op=row.op,
            value=row.value,
            type=row.type,
            present=row.present,
            found=row.found,
            verdict=answer.verdict,
            reason=answer.reason,
            detail=answer.detail,
            remedy=answer.remedy,
            source=answer.source or self._known.host.source(feature, row.name),
        )

    def _bare(self, term: TermResult) -> ExpressionVerdict:
        """Give a row for a term that asks for nothing but the feature itself."""
        holds = term.outcome is Outcome.TRUE
        row = Row(term.feature, "", "Exists", (), "", term.published, (), Outcome.TRUE if holds else Outcome.FALSE)
        return self._row(term, row)
