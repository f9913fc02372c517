"""Uses of something in an image, each with its confidence and its evidence, and what follows from them together."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from compatbuild.model.finding import Confidence, Evidence

MAX_EVIDENCE = 20
"""Pieces of evidence a finding keeps; a person reads no more."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "ppc64", "s390x": "s390x"}
"""How emulators and ``uname -m`` name the machine of an OCI architecture (QEMU names both POWER byte orders ppc64)."""

_STRONGEST_FIRST = (Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT)


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that shows a use, and how sure it makes it."""

    confidence: Confidence
    evidence: Evidence


def strongest(confidences: Iterable[Confidence]) -> Confidence:
    """Return the strongest of some confidences; a hint if there are none."""
    return min(confidences, key=_STRONGEST_FIRST.index, default=Confidence.HINT)


def weakest(*confidences: Confidence) -> Confidence:
    """Return the weakest of some confidences."""
    return max(confidences, key=_STRONGEST_FIRST.index)


def together(uses: Collection[Use]) -> tuple[Confidence, tuple[Evidence, ...]]:
    """Return how sure the surest of some uses (at least one) are, and their evidence."""
    best = strongest(use.confidence for use in uses)
    evidence = {use.evidence for use in uses if use.confidence is best}
    ordered = sorted(evidence, key=lambda e: (e.path, e.locator, e.statement))
    return best, tuple(ordered[:MAX_EVIDENCE])
