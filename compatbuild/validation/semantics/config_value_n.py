"""The value ``n`` of a kernel option: an option that is not set has no element at all."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature != "kernel.config" or not expression.element:
            continue
        if expression.operator not in {"In", "NotIn"}:
            continue
        for value in expression.values or ():
            if value.text in {"n", "N"}:
                yield Problem(
                    value.place, "no kernel option has the value `n`: NFD leaves out options that are not set"
                )


RULE = Rule(
    id="config-value-n",
    title="The value n of a kernel option",
    severity=Severity.ERROR,
    remedy="use `op: DoesNotExist` for an option that must not be set",
    check=_check,
)
