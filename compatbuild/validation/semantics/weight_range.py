"""A weight outside 1 to 100, the range of the node affinity it is meant for."""

from collections.abc import Iterator

from compatbuild.nfd.comparison import number
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline

MAX_WEIGHT = 100
"""Of a preferred node-affinity term (Kubernetes API, ``PreferredSchedulingTerm.weight``)."""


def _check(outline: Outline) -> Iterator[Problem]:
    for part in outline.sets:
        weight = number(part.weight.text) if part.weight is not None and part.weight.scalar.plain else None
        if part.weight is not None and weight is not None and not 0 <= weight <= MAX_WEIGHT:
            message = f"the weight {weight} is outside 1 to {MAX_WEIGHT}, the range of node affinity"
            yield Problem(part.weight.place, message)


RULE = Rule(
    id="weight-range",
    title="A weight that node affinity cannot hold",
    severity=Severity.WARNING,
    remedy="choose a weight from 1 to 100",
    check=_check,
)
