"""What an image needs as SARIF: a note for each requirement, at the file of the image that shows it."""

from collections.abc import Callable, Iterator

from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.report import Report
from compatbuild.report.sarif import Location, Result, Rule

MAX_EVIDENCE = 3  # that a message holds


def results(report: Report, place: Callable[[Finding], Location] | None = None) -> Iterator[Result]:
    """Yield a note for each finding that enters the specification.

    A file of an image is none of a checkout, so it is named and not located; ``place`` may tell which line of which
    file of the author's leads to a finding.
    """
    image = f"{report.image.source}:{report.image.reference}"
    for finding in report.findings:
        if finding.requirement is None or finding.confidence is Confidence.HINT:
            continue
        seen = "; ".join(f"{one.path}: {one.statement}" for one in finding.evidence[:MAX_EVIDENCE])
        names = (image, finding.evidence[0].path)
        yield Result(
            rule=Rule(finding.id, f"The image needs this of its host: {finding.id}", f"See {finding.docs}."),
            level="note",
            message=f"{finding.title} ({finding.confidence}). Seen: {seen}.",
            location=place(finding) if place else Location(names=names),
            identity=(image, report.image.platform, finding.id),
            properties={"confidence": finding.confidence.value, "platform": report.image.platform},
        )
