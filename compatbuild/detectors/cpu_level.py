"""Which x86-64 level and CPU flags programs need before they run at all: refusals to start, never run-time dispatch."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._cpu import distribution, forced, programs, python_packages, servers, spack
from compatbuild.detectors._cpu.claims import findings
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Finding

SOURCES = (distribution, forced, programs, python_packages, servers, spack)
"""The kinds of evidence, one module each."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the highest level and the flags beyond it; what only unused files ask for is a hint of its own."""
    yield from findings((claim for source in SOURCES for claim in source.claims(view, knowledge.cpu)), knowledge.cpu)


DETECTOR = Detector(
    id="cpu_level",
    title="CPU level and flags that programs insist on",
    interests=Interests.union(source.INTERESTS for source in SOURCES),
    detect=detect,
    facts=("cpu.level", "cpu.flags"),
    features=("cpu.cpuid",),
)
