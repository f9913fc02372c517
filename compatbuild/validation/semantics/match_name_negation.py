"""Negation over names: ``matchName`` holds when some name satisfies it, so "no such name" cannot be said."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline

_MESSAGES = {
    "DoesNotExist": "DoesNotExist under matchName never holds",
    "NotIn": "NotIn under matchName holds as soon as any element has another name",
}


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.element is None and expression.op and expression.operator in _MESSAGES:
            yield Problem(expression.op.place, _MESSAGES[expression.operator])


RULE = Rule(
    id="match-name-negation",
    title="Negation under matchName",
    severity=Severity.ERROR,
    remedy="use matchExpressions with one `NAME: {op: DoesNotExist}` for each name",
    check=_check,
)
