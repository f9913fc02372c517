"""More than one set: NFD gives sets no verdict, and its readers combine them differently."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline


def _check(outline: Outline) -> Iterator[Problem]:
    if len(outline.sets) > 1:
        yield Problem(
            outline.sets[1].place,
            f"there are {len(outline.sets)} sets, and NFD gives no verdict over sets: the format means that one is "
            "enough, the scheduler plug-in asks for all, `validate-node` prints each",
        )


RULE = Rule(
    id="several-sets",
    title="More than one set",
    severity=Severity.WARNING,
    remedy="keep one set where every reader must agree; repeat the required terms in each set where you need several",
    check=_check,
)
