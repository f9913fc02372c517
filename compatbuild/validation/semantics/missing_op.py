"""An expression without ``op``, which NFD takes for true."""

from collections.abc import Iterator

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline, find
from compatbuild.validation.spelling import pointer


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        entry = find(expression.node, "op")
        if entry is None:
            at = expression.place
            yield Problem(
                Place(at.line, at.column, pointer(at.path, "op")), "the expression has no op, so it holds on every host"
            )
        elif expression.op and not expression.operator:
            yield Problem(expression.op.place, "op is empty, so the expression holds on every host")


RULE = Rule(
    id="missing-op",
    title="An expression without an operator",
    severity=Severity.ERROR,
    remedy="add `op: Exists`, or the comparison that is meant",
    check=_check,
)
