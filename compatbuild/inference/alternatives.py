"""Needs as formulas of conditions, and their way into the one shape a rule has: terms, and alternatives of terms.

A rule of NFD is a list of conditions and at most one list of alternatives. Needs with alternatives of their own are
multiplied out; when that gives too many, weaker *forms* of saying a need are dropped, never the need itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import TypeAlias

from compatbuild.errors import SpecError
from compatbuild.nfd.conditions import Condition

MAX_BRANCHES = 32  # alternatives of one rule: more can no longer be read
MAX_WIDTH = 512  # alternatives of one need while it is multiplied out
MAX_COMPARED = 64  # clauses that are compared with each other; with more of them, forms are dropped first


@dataclass(frozen=True, slots=True, order=True)
class Form:
    """A weaker way to say a need that is also said in another; lower ranks are dropped first."""

    rank: int
    label: str


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts must hold."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways; ``form`` is set when it may be dropped."""

    formula: "Formula"
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the ways must hold."""

    choices: tuple[Choice, ...]


Formula: TypeAlias = Condition | Both | Either
Branch: TypeAlias = frozenset[Condition]
"""Conditions that must all hold."""
Clause: TypeAlias = frozenset[Branch]
"""Branches of which one must hold; none of them includes another."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A rule's conditions and branches (none: no alternatives), and the forms that were dropped to get there."""

    fixed: Branch
    branches: Clause
    dropped: tuple[Form, ...]


def either(alternatives: Iterable[Sequence[Formula]]) -> Formula:
    """Give the formula of some alternatives, each a list of formulas that must all hold."""
    return Either(tuple(Choice(Both(tuple(each))) for each in alternatives))


def conditions(formula: Formula) -> list[Condition]:
    """Give all conditions of a formula, in order, each once."""
    if isinstance(formula, Condition):
        return [formula]
    parts = formula.parts if isinstance(formula, Both) else [choice.formula for choice in formula.choices]
    return list(dict.fromkeys(condition for part in parts for condition in conditions(part)))


def shaped(formulas: Sequence[Formula]) -> Shape:
    """Multiply formulas, all of which must hold, into the shape of a rule.

    Raises SpecError when more than ``MAX_BRANCHES`` alternatives remain after all weaker forms are dropped.
    """
    left = [part for formula in formulas for part in _parts(formula)]
    dropped: list[Form] = []
    while True:
        if max(map(_width, left), default=0) <= MAX_WIDTH:
            fixed, clauses = _simplified([_expanded(formula) for formula in left])
            if prod(map(len, clauses)) <= MAX_BRANCHES:
                return Shape(fixed, reduce(_product, clauses) if clauses else frozenset(), tuple(dropped))
        forms = sorted({form for formula in left for form in _forms(formula)})
        if not forms:
            raise SpecError(
                "The requirements have too many alternatives",
                why=f"a rule would need more than {MAX_BRANCHES} branches to say them all",
                remedy="ask for fewer things of which any will do, or for the ones that matter in sets of their own",
            )
        dropped.append(forms[0])
        left = [_without(formula, forms[0]) for formula in left]


def _parts(formula: Formula) -> list[Formula]:
    """Take a formula apart into those that must all hold."""
    if isinstance(formula, Both):
        return [part for each in formula.parts for part in _parts(each)]
    return [formula]


def _width(formula: Formula) -> int:
    """Count the branches of a formula without making them."""
    if isinstance(formula, Condition):
        return 1
    if isinstance(formula, Both):
        return prod(map(_width, formula.parts))
    return sum(_width(choice.formula) for choice in formula.choices)


def _forms(formula: Formula) -> set[Form]:
    if isinstance(formula, Condition):
        return set()
    if isinstance(formula, Both):
        return {form for part in formula.parts for form in _forms(part)}
    inner = {form for choice in formula.choices for form in _forms(choice.formula)}
    return inner | {choice.form for choice in formula.choices if choice.form}


def _without(formula: Formula, form: Form) -> Formula:
    if isinstance(formula, Condition):
        return formula
    if isinstance(formula, Both):
        return Both(tuple(_without(part, form) for part in formula.parts))
    kept = [choice for choice in formula.choices if choice.form != form]
    return Either(tuple(Choice(_without(choice.formula, form), choice.form) for choice in kept))


def _expanded(formula: Formula) -> Clause:
    if isinstance(formula, Condition):
        return frozenset({frozenset({formula})})
    if isinstance(formula, Both):
        return reduce(_product, map(_expanded, formula.parts), frozenset({frozenset[Condition]()}))
    return _absorbed(branch for choice in formula.choices for branch in _expanded(choice.formula))


def _product(one: Clause, other: Clause) -> Clause:
    return _absorbed(left | right for left in one for right in other)


def _absorbed(branches: Iterable[Branch]) -> Clause:
    """Leave out every branch that asks for all that another asks for, and more."""
    kept: list[Branch] = []
    for branch in sorted(set(branches), key=len):
        if not any(other <= branch for other in kept):
            kept.append(branch)
    return frozenset(kept)


def _simplified(clauses: Iterable[Clause]) -> tuple[Branch, list[Clause]]:
    """Separate what must hold in any case, and take it out of the alternatives; clauses that follow from others go."""
    fixed: Branch = frozenset()
    left = list(dict.fromkeys(clauses))
    while shared := frozenset(condition for clause in left for condition in frozenset.intersection(*clause)):
        fixed |= shared
        left = list(dict.fromkeys(_absorbed(branch - fixed for branch in clause) for clause in left))
        left = [clause for clause in left if frozenset() not in clause]
    if len(left) > MAX_COMPARED:
        return fixed, left
    return fixed, [one for one in left if not any(_implies(other, one) for other in left if other != one)]


def _implies(one: Clause, other: Clause) -> bool:
    """Tell whether a clause follows from another; two that follow from each other are equal."""
    return all(any(weaker <= branch for weaker in other) for branch in one)
