"""``varsTemplate``: run by NFD alone, so that no other reader can tell the rule's verdict."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for rule in outline.rules:
        if rule.template is not None:
            yield Problem(rule.template, "varsTemplate is a Go template: readers other than NFD cannot evaluate it")


RULE = Rule(
    id="vars-template",
    title="A Go template",
    severity=Severity.WARNING,
    remedy="write the terms out, or use static vars",
    check=_check,
)
