"""A bound that is no version beside ``type: version``: NFD ends the whole check with an error."""

from collections.abc import Iterator

from compatbuild.nfd.comparison import version
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.operators import ORDERING
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.operator not in ORDERING or not expression.is_version:
            continue
        for value in expression.values or ():
            if version(value.text) is None:
                yield Problem(value.place, f"{shown(value.text)} is no version of one to three numbers")


RULE = Rule(
    id="invalid-version",
    title="A bound that is not a version",
    severity=Severity.ERROR,
    remedy="write N, N.N or N.N.N; of what follows, a `-` or `+` part may hold letters, digits, dots and hyphens",
    check=_check,
)
