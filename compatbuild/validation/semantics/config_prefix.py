"""``CONFIG_`` before the name of a kernel option; NFD's names go without."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Expression, Outline, Text
from compatbuild.validation.words import shown

PREFIX = "CONFIG_"


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature == "kernel.config":
            for name in _names(expression):
                if name.text.startswith(PREFIX):
                    option = name.text.removeprefix(PREFIX)
                    message = f"{shown(name.text)} is never there: NFD leaves out {PREFIX}"
                    yield Problem(name.place, message, f"write {shown(option)}")


def _names(expression: Expression) -> tuple[Text, ...]:
    if expression.element is not None:
        return (expression.element,)
    return (expression.values or ()) if expression.operator in {"In", "NotIn"} else ()


RULE = Rule(
    id="config-prefix",
    title="CONFIG_ before the name of a kernel option",
    severity=Severity.ERROR,
    remedy=f"remove {PREFIX}",
    check=_check,
)
