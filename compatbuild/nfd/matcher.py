"""Evaluates a specification against the features of a host, with the verdicts of NFD itself.

Source: node-feature-discovery v0.19.0 ``pkg/apis/nfd/nodefeaturerule/{rule,expression}.go`` as the node validator of
``nfd compat`` calls it. What differs is said: an error stays with its rule (NFD ends the run), every term is reported
(NFD hides some), and a rule with a ``varsTemplate`` is unsupported rather than guessed at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from compatbuild.errors import SpecError
from compatbuild.nfd import spec as strict
from compatbuild.nfd.comparison import EvaluationError, Fault, holds
from compatbuild.nfd.features import Features
from compatbuild.nfd.results import BranchResult, Evaluation, Outcome, Row, RuleResult, SetResult, TermResult
from compatbuild.nfd.wire import Expression, Rule, Set, Spec, Term, relaxed

MAX_COMPARISONS = 5_000_000  # with single values, of one evaluation: a hostile pair of files could ask for billions
PATTERN_COST = 10  # comparisons that a pattern counts for
MAX_FOUND = 20  # values shown in a row
MATCHED = "rule.matched"
"""The attribute feature in which NFD keeps the variables of earlier rules."""


def evaluate(spec: Spec | strict.Spec, features: Features, *, tags: Sequence[str] = ()) -> Evaluation:
    """Evaluate a specification, decoded or strict, against a host's features.

    With ``tags``, only sets with one of them are looked at, as ``nfd compat validate-node --tags`` does. Errors of
    expressions are outcomes, never raised; SpecError is raised only when there is too much to compare
    (``MAX_COMPARISONS``).
    """
    decoded = relaxed(spec) if isinstance(spec, strict.Spec) else spec
    run = _Run(features)
    sets = tuple(run.set(item) for item in decoded.compatibilities if not tags or item.tag in tags)
    return Evaluation(sets, run.variables())


_Answer: TypeAlias = bool | EvaluationError
"""What one comparison gave; errors are kept until it is clear whether NFD comes to see them."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What the expressions or the ``matchName`` of a term came to; faults are those NFD may stop with."""

    matched: bool
    faults: tuple[Fault, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a list of terms came to."""

    matched: bool
    faults: tuple[Fault, ...]
    terms: tuple[TermResult, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.ERROR if self.faults else _outcome(self.matched)


class _Run:
    """One evaluation: the features as the rules before have left them, and how much has been compared."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self._compared = 0
        self._templated = False  # once a template was passed over, nobody knows what is in rule.matched

    def variables(self) -> Mapping[str, str]:
        return self._features.attributes.get(MATCHED) or {}

    def set(self, item: Set) -> SetResult:
        rules = tuple(map(self._rule, item.rules))
        outcomes = {rule.outcome for rule in rules}
        order = (Outcome.FALSE, Outcome.ERROR, Outcome.UNSUPPORTED)
        worst = next((outcome for outcome in order if outcome in outcomes), Outcome.TRUE)
        return SetResult(item.tag, item.weight, item.description, worst, rules)

    def _rule(self, rule: Rule) -> RuleResult:
        branches = [self._terms(branch.match_features) for branch in rule.match_any]
        terms = self._terms(rule.match_features)
        faults = next((part.faults for part in (*branches, terms) if part.faults), ())
        any_branch = not branches or any(branch.matched for branch in branches)
        result = RuleResult(
            name=rule.name,
            outcome=Outcome.ERROR if faults else _outcome(any_branch and terms.matched),
            terms=terms.terms,
            branches=tuple(BranchResult(branch.outcome, branch.terms) for branch in branches),
            faults=faults,
        )
        if rule.vars_template or (self._templated and _refers_back(rule)):
            self._templated = True
            return replace(result, outcome=Outcome.UNSUPPORTED, reason="templates of variables are not evaluated here")
        return self._stored(result, rule.vars if terms.matched and not faults else {})

    def _stored(self, result: RuleResult, variables: Mapping[str, str]) -> RuleResult:
        """Keep the variables of a rule for those after it; it may have failed, but through ``matchAny`` alone."""
        attributes = self._features.attributes
        kept = attributes.get(MATCHED, {})
        if kept is None and variables:
            why = f"{MATCHED} is null in the features, which makes NFD panic"
            return replace(result, outcome=Outcome.ERROR, faults=(Fault.NULL_VARIABLES,), reason=why)
        if kept is not None:
            self._features = replace(self._features, attributes={**attributes, MATCHED: {**kept, **variables}})
        return result

    def _terms(self, terms: tuple[Term, ...]) -> _Terms:
        results: list[TermResult] = []
        faults: tuple[Fault, ...] = ()
        matched = looking = True
        for term in terms:
            if not self._features.has(term.feature.lower()):
                results.append(_unpublished(term))
                matched = False
                continue
            # NFD's flag is stale here: after a miss, it does not look at a matchName until expressions match again.
            expressions, names = self._expressions(term), self._names(term)
            if expressions:
                faults = faults or expressions.faults
                looking = expressions.matched
            if names and looking:
                faults = faults or names.faults
                looking = names.matched
            results.append(_term_result(term, [part for part in (expressions, names) if part]))
            matched = matched and looking
        return _Terms(matched, faults, tuple(results))

    def _expressions(self, term: Term) -> _Part | None:
        if term.match_expressions is None:
            return None
        feature = term.feature.lower()
        flags, attributes = self._features.flags.get(feature), self._features.attributes.get(feature)
        instances = self._features.instances.get(feature, ())
        elements = sorted(term.match_expressions.items(), key=lambda item: item[0])
        union = [self._in_union(expression, name, flags, attributes) for name, expression in elements]
        table = [[self._in_attributes(expression, name, each) for name, expression in elements] for each in instances]
        one_kind = flags is not None or attributes is not None
        matched = (one_kind and all(map(_true, union))) or any(all(map(_true, answers)) for answers in table)
        rows = []
        for at, (name, expression) in enumerate(elements):
            sources = [*([attributes] if attributes else []), *instances]
            found = [source[name] for source in sources if name in source]
            present = bool(found) or name in (flags or ())
            answers = [union[at], *(each[at] for each in table)]
            rows.append(_row(term, name, expression, present=present, found=found, answers=answers))
        return _Part(matched, _first_faults([union, *table]), tuple(rows))

    def _in_union(
        self,
        expression: Expression | None,
        name: str,
        flags: frozenset[str] | None,
        attributes: Mapping[str, str] | None,
    ) -> _Answer:
        """Evaluate on flags and attributes, either of which will do, except that absence must be so in both."""
        answer: _Answer = False
        if flags is not None:
            answer = self._holds(expression, present=name in flags, value=None)
            if isinstance(answer, EvaluationError) or (not answer and expression and expression.op == "DoesNotExist"):
                return answer
        if attributes is not None:
            other = self._in_attributes(expression, name, attributes)
            if isinstance(other, EvaluationError) or (not other and expression and expression.op == "DoesNotExist"):
                return other
            answer = answer or other
        return answer

    def _in_attributes(self, expression: Expression | None, name: str, values: Mapping[str, str]) -> _Answer:
        return self._holds(expression, present=name in values, value=values.get(name))

    def _names(self, term: Term) -> _Part | None:
        if term.match_name is None:
            return None
        feature = term.feature.lower()
        kinds = [self._features.flags.get(feature), self._features.attributes.get(feature)]
        groups = [sorted(kind or ()) for kind in (*kinds, *self._features.instances.get(feature, ()))]
        table = [[self._holds(term.match_name, present=True, value=name) for name in group] for group in groups]
        answers = [answer for group in table for answer in group]
        names = [name for group in groups for name in group]
        found = sorted({name for name, answer in zip(names, answers, strict=True) if answer is True})
        row = _row(term, "", term.match_name, present=bool(names), found=found, answers=answers)
        return _Part(bool(found), _first_faults(table), (row,))

    def _holds(self, expression: Expression | None, *, present: bool, value: str | None) -> _Answer:
        if expression is not None:
            self._compared += 1 + len(expression.value) * (PATTERN_COST if expression.op == "InRegexp" else 1)
        if self._compared > MAX_COMPARISONS:
            raise SpecError(
                "The specification is too costly to evaluate",
                why=f"it asks for more than {MAX_COMPARISONS:,} comparisons on this host",
                remedy="evaluate fewer sets at a time, by their tags",
            )
        try:
            return holds(expression, present=present, value=value)
        except EvaluationError as error:
            return error


def _outcome(matched: bool) -> Outcome:  # noqa: FBT001 - the one thing it is about
    return Outcome.TRUE if matched else Outcome.FALSE


def _true(answer: _Answer) -> bool:
    return answer is True


def _first_faults(table: Iterable[Iterable[_Answer]]) -> tuple[Fault, ...]:
    """Give the faults of the first group that has any; within a group Go's order is random."""
    for answers in table:
        if faults := {answer.fault for answer in answers if isinstance(answer, EvaluationError)}:
            return tuple(sorted(faults))
    return ()


def _refers_back(rule: Rule) -> bool:
    terms = [*rule.match_features, *(term for branch in rule.match_any for term in branch.match_features)]
    return any(term.feature.lower() == MATCHED for term in terms)


def _term_result(term: Term, parts: list[_Part]) -> TermResult:
    """Sum up a term by itself, whatever NFD has or has not looked at."""
    outcomes = [Outcome.ERROR if part.faults else _outcome(part.matched) for part in parts]
    outcome = next((outcome for outcome in outcomes if outcome is not Outcome.TRUE), Outcome.TRUE)
    return TermResult(term.feature, True, outcome, tuple(row for part in parts for row in part.rows))


def _unpublished(term: Term) -> TermResult:
    expressions = sorted((term.match_expressions or {}).items(), key=lambda item: item[0])
    asked = [*expressions, *([("", term.match_name)] if term.match_name else [])]
    rows = tuple(_row(term, name, expression, present=False, found=[], answers=[]) for name, expression in asked)
    return TermResult(term.feature, False, Outcome.FALSE, rows)


def _row(
    term: Term,
    name: str,
    expression: Expression | None,
    *,
    present: bool,
    found: Sequence[str],
    answers: Sequence[_Answer],
) -> Row:
    error = next((answer for answer in answers if isinstance(answer, EvaluationError)), None)
    asked = expression or Expression()
    return Row(
        feature=term.feature,
        name=name,
        op=asked.op,
        value=asked.value,
        type=asked.type,
        present=present,
        found=tuple(found[:MAX_FOUND]),
        outcome=Outcome.ERROR if error else _outcome(any(map(_true, answers))),
        fault=error.fault if error else None,
        reason=str(error) if error else "",
    )
