"""What the platforms of an index have in common, as the report about the index itself."""

from collections.abc import Sequence

from compatbuild.errors import UsageError
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.report import ImageIdentity, Report
from compatbuild.model.requirement import AlternativesRequirement, ArchitectureRequirement


def common(reports: Sequence[Report], reference: str, digest: str) -> Report:
    """Return the report about an index: requirements that all platforms share, and "one of these architectures".

    A reader that asks the index, and not a platform's manifest, thus never learns less than what always holds.
    UsageError when there is no platform.
    """
    if not reports:
        raise UsageError(
            f"{reference} has no image that runs", why="the index names no platform", remedy="name an image"
        )
    reports = sorted(reports, key=lambda report: report.image.platform)
    everywhere = set.intersection(*({_said(f) for f in _needed(report)} for report in reports))
    shared = [f for f in _needed(reports[0]) if _said(f) in everywhere]
    findings = [f.model_copy(update={"inherited": False}) for f in shared]  # an index is built on no image
    identity = ImageIdentity(
        source=reports[0].image.source, reference=reference, digest=digest, platform=_platforms(reports)
    )
    return Report(tool=reports[0].tool, image=identity, findings=(*findings, *_architectures(reports)))


def _needed(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.requirement is not None and f.confidence is not Confidence.HINT]


def _said(finding: Finding) -> str:
    assert finding.requirement is not None
    return finding.requirement.model_dump_json(exclude={"id", "comment"})


def _platforms(reports: Sequence[Report]) -> str:
    return ", ".join(dict.fromkeys(report.image.platform for report in reports))


def _architectures(reports: Sequence[Report]) -> list[Finding]:
    """Return one finding with the platforms' architectures as alternatives, if every platform states its own."""
    stated = {
        f.requirement.architecture: f
        for report in reports
        for f in _needed(report)
        if isinstance(f.requirement, ArchitectureRequirement)
    }
    covered = all(any(isinstance(f.requirement, ArchitectureRequirement) for f in _needed(r)) for r in reports)
    if len(stated) < 2 or not covered:
        return []
    found = [stated[name] for name in sorted(stated)]
    return [
        Finding(
            id="index.architectures",
            title=f"one of the architectures {', '.join(sorted(stated))}",
            confidence=Confidence.PROVEN,
            severity=found[0].severity,
            requirement=AlternativesRequirement(any=tuple((f.requirement,) for f in found if f.requirement)),
            evidence=tuple(evidence for f in found for evidence in f.evidence[:1]),
        )
    ]
