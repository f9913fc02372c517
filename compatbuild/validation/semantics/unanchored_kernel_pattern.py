"""A pattern on the kernel release that also matches in its middle."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature != "kernel.version" or expression.operator != "InRegexp":
            continue
        for value in expression.values or ():
            if not value.text.startswith(("^", "(^", "(?:^", r"\A")):
                yield Problem(value.place, "the pattern has no `^`: `5.1` also matches in 4.15.10")


RULE = Rule(
    id="unanchored-kernel-pattern",
    title="A kernel pattern that is not anchored",
    severity=Severity.WARNING,
    remedy=r"begin the pattern with ^ and escape its dots: `^5\.10\.`",
    check=_check,
)
