"""``type: version`` on the full kernel release, which is no semantic version on most distributions."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.operators import ORDERING
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if (
            expression.feature == "kernel.version"
            and expression.element
            and expression.element.text == "full"
            and expression.is_version
            and expression.type
            and expression.operator in ORDERING
        ):
            yield Problem(
                expression.type.place,
                "kernel.version.full is no semantic version on RHEL, Fedora, Amazon Linux, Azure Linux, openEuler, "
                "WSL2 and Debian 13: there NFD ends the whole check with an error",
            )


RULE = Rule(
    id="kernel-version-type",
    title="Comparing the full kernel release as a semantic version",
    severity=Severity.ERROR,
    remedy='use InRegexp, or write `kernel: ">=5.10"` in a template and let compatbuild make the pattern',
    check=_check,
)
