"""System calls of the C library that old container runtimes deny: a note, for no host feature shows the runtime."""

import re
from collections.abc import Iterator, Mapping

from compatbuild.detectors import Detector, distribution
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.kernel import Trap
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Evidence, Finding


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one note about all such calls of the C library that programs load."""
    for finding in distribution.detect(view, knowledge):
        family, version = finding.facts.get("libc.family"), finding.facts.get("libc.version")
        if isinstance(family, str) and isinstance(version, str):
            denied = dict(_denied(knowledge.kernel.runtime_traps, family, version, view.config("architecture")))
            if denied:
                yield _note(f"{family} {version}", denied, finding.evidence[0])


def _denied(traps: Mapping[str, Row[Trap]], family: str, version: str, machine: str) -> Iterator[tuple[str, str]]:
    """Yield the calls that this version makes, and who denies them."""
    for call, row in traps.items():
        since = row.value.libraries.get(family)
        concerned = not row.value.architectures or machine in row.value.architectures
        if since is not None and concerned and _numbers(version) >= _numbers(since):
            yield call, row.value.denied_by


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,9}", version)))


def _note(library: str, denied: Mapping[str, str], said: Evidence) -> Finding:
    told = "; ".join(f"{call} by {by}" for call, by in denied.items())
    return Finding(
        id="runtime.system-calls",
        title=f"System calls of {library} are denied by old container runtimes: {told}"[:300],
        confidence=Confidence.HINT,
        evidence=(said,),
    )


DETECTOR = Detector(
    id="kernel_runtime",
    title="System calls that old container runtimes deny",
    interests=Interests.union((distribution.DETECTOR.interests, Interests(config=("architecture",)))),
    detect=detect,
)
