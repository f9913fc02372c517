"""``type: version`` on the full kernel release, which is no semantic version on most distributions."""

from collections.abc import Iterator

from compatbuild.errors import SpecError
from compatbuild.nfd.comparison import version
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Range
from compatbuild.nfd.write import quoted
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Expression, Outline

_COMPARISONS = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<=", "GtLt": "><", "GeLe": ">=<="}
_SIGNS = {"><": (">", "<"), ">=<=": (">=", "<=")}


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.operator not in _COMPARISONS or not expression.is_version or expression.type is None:
            continue
        if expression.feature == "kernel.version" and expression.element and expression.element.text == "full":
            yield Problem(
                expression.type.place,
                "kernel.version.full is no semantic version on RHEL, Fedora, Amazon Linux, Azure Linux, openEuler, "
                "WSL2 and Debian 13: there NFD ends the whole check with an error",
                _remedy(expression),
            )


def _remedy(expression: Expression) -> str:
    """Return the same range as a pattern, or nothing when its bounds are no versions."""
    comparison = _COMPARISONS[expression.operator]
    versions = [version(text) for text in expression.texts]
    try:
        bounds = [
            f"{sign}{'.'.join(map(str, bound))}"
            for sign, bound in zip(_SIGNS.get(comparison, (comparison,)), versions, strict=True)
            if bound is not None
        ]
        return f"write {{op: InRegexp, value: [{quoted(version_pattern(Range.parse(','.join(bounds))))}]}}"
    except (SpecError, ValueError):
        return ""


RULE = Rule(
    id="kernel-version-type",
    title="Comparing the full kernel release as a semantic version",
    severity=Severity.ERROR,
    remedy='use InRegexp, or write `kernel: ">=5.10"` in a template and let compatbuild make the pattern',
    check=_check,
)
