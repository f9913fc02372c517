"""Expressions that no host can satisfy together, as far as that is certain."""

from collections import ChainMap
from collections.abc import Iterable, Iterator
from dataclasses import replace

from compatbuild.nfd.comparison import number
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.kinds import is_instance
from compatbuild.validation.operators import TWO_BOUNDS
from compatbuild.validation.outline import Expression, Outline, Term
from compatbuild.validation.satisfiability import satisfiable

MAX_TOGETHER = 20
"""Expressions over one element that are compared with each other; nobody writes more by hand."""

_Known = ChainMap[tuple[str, str], tuple[Expression, ...]]
"""The expressions that hold so far, by feature and element; those of a branch shadow those around it."""


def _check(outline: Outline) -> Iterator[Problem]:
    for rule in outline.rules:
        known: _Known = ChainMap()
        yield from _contradictions(rule.terms, known)
        branches = [list(_contradictions(branch.terms, known.new_child())) for branch in rule.branches]
        # A branch that never holds is harmless beside one that may.
        severity = Severity.ERROR if all(branches) else Severity.WARNING
        yield from (replace(problem, severity=severity) for problems in branches for problem in problems)


def _contradictions(terms: Iterable[Term], known: _Known) -> Iterator[Problem]:
    """Yield the expressions that cannot hold with those before them; what can is added to ``known``."""
    for term in terms:
        for expression in term.expressions:
            if expression.element is None or expression.values is None:
                continue
            if _misordered(expression) or not satisfiable([expression]):
                yield Problem(expression.place, f"no value satisfies this: {_words(expression)}")
                continue
            if is_instance(expression.feature):
                continue  # another term may be met by another device
            key = (expression.feature, expression.element.text)
            group = known.get(key, ())
            if len(group) >= MAX_TOGETHER:
                continue
            if satisfiable([*group, expression]):
                known[key] = (*group, expression)
            else:
                told = ", ".join(str(line) for line in sorted({other.place.line for other in group})[:5])
                yield Problem(
                    expression.place, f"no value satisfies this and line {told} together: {_words(expression)}"
                )


def _misordered(expression: Expression) -> bool:
    """Tell whether NFD refuses a range of numbers because the first is not below the second, equal ones included."""
    bounds = [number(text) for text in expression.texts]
    if expression.operator not in TWO_BOUNDS or expression.type is not None or len(bounds) != 2:
        return False
    low, high = bounds
    return low is not None and high is not None and low >= high


def _words(expression: Expression) -> str:
    return " ".join([expression.operator, *expression.texts][:6])


RULE = Rule(
    id="unsatisfiable",
    title="A range or set that no host can satisfy",
    severity=Severity.ERROR,
    remedy="correct the bounds; for alternatives use matchAny",
    check=_check,
)
