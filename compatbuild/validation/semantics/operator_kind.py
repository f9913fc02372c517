"""An operator that cannot hold for its element, or makes NFD end the check, whatever the host has."""

from collections.abc import Iterator

from compatbuild.nfd.catalogue import ValueType
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.kinds import is_flag, misfit, value_type
from compatbuild.validation.outline import Expression, Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        message = misfit(expression)
        if message is not None and expression.op is not None:
            yield Problem(expression.op.place, message, _remedy(expression))


def _remedy(expression: Expression) -> str:
    if is_flag(expression):
        return "use Exists or DoesNotExist"
    if expression.element is None:
        return "use In or InRegexp over names, or matchExpressions over values"
    if expression.feature == "kernel.config":
        return 'use In with ["y"] or ["y", "m"]'
    return "add `type: version`" if value_type(expression) is ValueType.VERSION else ""


RULE = Rule(
    id="operator-kind",
    title="An operator that does not fit the element",
    severity=Severity.ERROR,
    remedy="use In for texts, InRegexp for patterns, and the ordering operators for numbers only",
    check=_check,
)
