"""An operator with more or fewer values than it takes: NFD ends the whole check with an error."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.operators import ARITY
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.values is None or expression.operator not in ARITY:
            continue
        fewest, most = ARITY[expression.operator]
        count = len(expression.values)
        if count < fewest or (most is not None and count > most):
            message = f"{expression.operator} takes {_wanted(fewest, most)}, here it has {count or 'none'}"
            yield Problem(expression.value_place, message)


def _wanted(fewest: int, most: int | None) -> str:
    if most == 0:
        return "no value"
    if most is None:
        return "at least one value"
    return "exactly one value" if most == 1 else f"exactly {fewest} values"


RULE = Rule(
    id="operator-arity",
    title="Too many or too few values for the operator",
    severity=Severity.ERROR,
    remedy="give the operator the values it takes, or use another one (In for several values, GeLe for a range)",
    check=_check,
)
