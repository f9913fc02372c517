"""A rule, or a branch of ``matchAny``, without any term: it holds on every host."""

from collections.abc import Iterator

from compatbuild.validation.issue import Place, Problem, Rule, Severity
from compatbuild.validation.outline import Outline, find, place
from compatbuild.validation.source import Mapping, Sequence
from compatbuild.validation.spelling import pointer

_KEYS = ("matchFeatures", "matchAny")


def _check(outline: Outline) -> Iterator[Problem]:
    for rule in outline.rules:
        at = _empty(rule.node, rule.place, rule.place)
        if at is not None:
            yield Problem(at, "the rule asks for nothing, so it holds on every host")
        for branch in rule.branches:
            absent = Place(branch.place.line, branch.place.column, pointer(branch.place.path, "matchFeatures"))
            at = _empty(branch.node, branch.place, absent)
            if at is not None:
                yield Problem(at, "this branch of matchAny asks for nothing, so the whole matchAny always holds")


def _empty(node: Mapping, at: Place, absent: Place) -> Place | None:
    """Return where to complain when nothing is asked for: at an empty list, or at ``absent`` when there is no list.

    What has the wrong type is the schema's to report.
    """
    found = {key: entry.value for key in _KEYS if (entry := find(node, key)) is not None}
    if any(not isinstance(value, Sequence) or value.items for value in found.values()):
        return None
    return next((place(value, pointer(at.path, key)) for key, value in found.items()), absent)


RULE = Rule(
    id="always-true-rule",
    title="A rule without matchers",
    severity=Severity.ERROR,
    remedy="say under matchFeatures what the host must have, or remove the rule",
    check=_check,
)
