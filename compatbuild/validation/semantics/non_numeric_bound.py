"""A bound that is no number beside an ordering operator: NFD ends the whole check with an error."""

from collections.abc import Iterator

from compatbuild.nfd.comparison import number, version
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.kinds import misfit
from compatbuild.validation.operators import ORDERING
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.operator not in ORDERING or expression.type is not None or misfit(expression):
            continue
        for value in expression.values or ():
            if number(value.text) is None:
                remedy = "add `type: version` if versions are to be compared" if version(value.text) else ""
                yield Problem(value.place, f"{shown(value.text)} is no whole number of 64 bits", remedy)


RULE = Rule(
    id="non-numeric-bound",
    title="A bound that is not a number",
    severity=Severity.ERROR,
    remedy="write a decimal number, without unit, fraction, space or underscore",
    check=_check,
)
