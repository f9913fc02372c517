"""A module name with hyphens under ``kernel.loadedmodule``, where the kernel writes underscores."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Expression, Outline, Text
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature == "kernel.loadedmodule":
            for name in _names(expression):
                if "-" in name.text:
                    spelling = shown(name.text.replace("-", "_"))
                    message = f"the module {shown(name.text)} can never be loaded under this name: it is {spelling}"
                    yield Problem(name.place, message, f"write {spelling}")


def _names(expression: Expression) -> tuple[Text, ...]:
    if expression.element is not None:
        return (expression.element,)
    if expression.operator not in {"In", "NotIn"}:
        return ()
    both = frozenset(expression.texts)  # listing both spellings does no harm
    return tuple(value for value in expression.values or () if value.text.replace("-", "_") not in both)


RULE = Rule(
    id="hyphenated-module",
    title="A loaded module with hyphens in its name",
    severity=Severity.ERROR,
    remedy="write underscores: /proc/modules has no hyphens",
    check=_check,
)
