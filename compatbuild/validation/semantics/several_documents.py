"""A second YAML document, which NFD never reads."""

from collections.abc import Iterator

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    second = outline.source.second
    if second is not None:
        yield Problem(
            Place(second.line, second.column, ""), "a second YAML document starts here; NFD reads only the first"
        )


RULE = Rule(
    id="several-documents",
    title="More than one YAML document",
    severity=Severity.ERROR,
    remedy="move its sets into the first document, or remove it",
    check=_check,
)
