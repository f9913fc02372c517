"""A term with no expression: it asks only whether NFD publishes the feature at all."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline, find
from compatbuild.validation.source import Mapping
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for term in outline.terms:
        if term.feature is None or find(term.node, "matchName") is not None:
            continue
        entry = find(term.node, "matchExpressions")
        if entry is None or (isinstance(entry.value, Mapping) and not entry.value.entries):
            message = (
                f"the term asks for nothing of {shown(term.feature.text)}: it holds wherever NFD publishes that feature"
            )
            yield Problem(term.place, message)


RULE = Rule(
    id="empty-term",
    title="A term without expressions",
    severity=Severity.WARNING,
    remedy="add matchExpressions or matchName",
    check=_check,
)
