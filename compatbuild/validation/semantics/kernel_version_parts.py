"""``kernel.version`` by its parts, which several distributions do not have."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline

_PARTS = frozenset({"major", "minor", "revision"})


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.feature == "kernel.version" and expression.element and expression.element.text in _PARTS:
            yield Problem(
                expression.element.place,
                f"kernel.version has no `{expression.element.text}` on Azure Linux, WSL2, Debian 13, Raspberry Pi OS: "
                "there the expression is false",
            )


RULE = Rule(
    id="kernel-version-parts",
    title="Comparing the kernel version by its parts",
    severity=Severity.WARNING,
    remedy='use InRegexp on `full`, or write `kernel: ">=5.10"` in a template and let compatbuild make the pattern',
    check=_check,
)
