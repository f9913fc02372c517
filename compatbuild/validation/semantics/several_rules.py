"""More than one rule in a set: some of NFD's readers want one of them to hold, some all."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    for part in outline.sets:
        if len(part.rules) > 1:
            yield Problem(
                part.rules[1].place,
                f"the set has {len(part.rules)} rules: for node feature groups one that holds is enough, other readers "
                "want all to hold",
            )


RULE = Rule(
    id="several-rules",
    title="More than one rule in a set",
    severity=Severity.WARNING,
    remedy="put all terms into one rule (matchFeatures for all, matchAny for alternatives)",
    check=_check,
)
