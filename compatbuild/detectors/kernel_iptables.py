"""Which of its two back ends the iptables of an image works on: nf_tables, or the legacy tables."""

import posixpath
from collections.abc import Iterator, Mapping

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_finding, facility_requirement
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.kernel import Facility
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement

DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where a container looks for a program by default, in this order (docker and podman, PATH)."""

Variants = Mapping[str, list[Use]]


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the back end that the default program, or else the name ``iptables``, leads to; if unclear, either."""
    kernel = knowledge.kernel
    present: dict[str, list[Use]] = {}
    reached: dict[str, list[Use]] = {}
    for path, variant in _programs(view, kernel.netfilter_programs).items():
        ceiling = weakest(Confidence.LIKELY, variant.grade.ceiling, kernel.netfilter[variant.value].grade.ceiling)
        name = posixpath.basename(path)
        use = Use(view.confidence(path, ceiling), view.at(path, f"{name} is the {variant.value} variant of iptables"))
        present.setdefault(variant.value, []).append(use)
        if view.reach(path) is not None:
            reached.setdefault(variant.value, []).append(use)
    if present:
        yield _finding(reached or _named(view, present), kernel.netfilter)


def _programs(view: DetectorView, known: Mapping[str, Row[str]]) -> dict[str, Row[str]]:
    """Return the programs behind iptables that are in the image, with their variants."""
    return {path: row for path, _ in view.elves() if (row := known.get(posixpath.basename(path)))}


def _named(view: DetectorView, present: Variants) -> Variants:
    """Return the variant that the name ``iptables`` leads to; all if it leads to a wrapper, or is set up later."""
    path = next((found for where in DIRECTORIES if (found := view.real_path(f"{where}/iptables"))), "")
    pointed = {
        variant: [use for use in uses if use.evidence.path == path]
        for variant, uses in present.items()
        if any(use.evidence.path == path for use in uses)
    }
    return pointed or present


def _finding(found: Variants, known: Mapping[str, Row[Facility]]) -> Finding:
    if len(found) == 1:
        ((variant, uses),) = found.items()
        return facility_finding(f"kernel.iptables-{variant}", known[variant].value, uses)
    confidence, evidence = together([use for uses in found.values() for use in uses])
    ways = [known[variant].value for variant in sorted(found, reverse=True)]
    return Finding(
        id="kernel.iptables",
        title=f"A kernel with {' or '.join(way.title for way in ways)}",
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=AlternativesRequirement(any=tuple((facility_requirement(way),) for way in ways)),
        evidence=evidence,
    )


DETECTOR = Detector(
    id="kernel_iptables",
    title="The back end of iptables",
    interests=Interests(elf=True),
    detect=detect,
    facts=("kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule"),
)
