"""A feature name with capitals: NFD finds it, and then reports its expressions as failed."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for term in outline.terms:
        if term.feature and term.feature.text != term.feature.text.lower():
            message = (
                f"{shown(term.feature.text)} has capitals: NFD reports its expressions as failed even where they hold"
            )
            yield Problem(term.feature.place, message, f"write {shown(term.feature.text.lower())}")


RULE = Rule(
    id="feature-case",
    title="A feature name with capitals",
    severity=Severity.WARNING,
    remedy="write feature names in lower case",
    check=_check,
)
