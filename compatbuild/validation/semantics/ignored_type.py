"""``type`` beside an operator that never looks at it."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.operators import ALL, ORDERING
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.is_version and expression.type and expression.operator in ALL - ORDERING:
            message = f"{expression.operator} compares texts and ignores `type: version`"
            yield Problem(expression.type.place, message)


RULE = Rule(
    id="ignored-type",
    title="A type that the operator ignores",
    severity=Severity.WARNING,
    remedy="remove the type, or use Gt, Ge, Lt, Le, GtLt or GeLe",
    check=_check,
)
