"""Run the detectors over an image view, each on its own, and put their findings into a report."""

from collections.abc import Iterable, Sequence

from compatbuild.detectors import Detector
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView, ImageView
from compatbuild.inference import reachability
from compatbuild.inference.resolve import combine, resolve
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Finding
from compatbuild.model.report import ImageIdentity, Report, Skipped, Tool
from compatbuild.version import __version__


def interests(detectors: Iterable[Detector]) -> Interests:
    """Return all that must be kept of an image for these detectors and for reachability."""
    return Interests.union([reachability.INTERESTS, *(detector.interests for detector in detectors)])


def infer(view: ImageView, identity: ImageIdentity, detectors: Sequence[Detector], knowledge: Knowledge) -> Report:
    """Return the report about a view.

    A detector that fails is named under ``skipped`` and never ends the run.
    """
    view = reachability.with_reachability(view)
    findings: list[Finding] = []
    skipped = [Skipped(what=what, why=why) for what, why in view.skipped]
    for detector in detectors:
        try:
            findings += _run(detector, view, knowledge)
        except Exception as error:  # noqa: BLE001 - a detector, ours or a third party's, must not end the run
            skipped.append(Skipped(what=f"detector {detector.id}", why=f"{type(error).__name__}: {error}"[:500]))
    combined = combine(findings)
    resolution = resolve(combined)
    return Report(
        tool=Tool(version=__version__, knowledge=knowledge.as_of),
        image=identity,
        facts=resolution.facts,
        findings=combined,
        skipped=tuple(sorted(skipped, key=lambda s: (s.what, s.why))),
        limits=tuple(sorted((*view.limits, *resolution.conflicts))),
    )


def _run(detector: Detector, view: ImageView, knowledge: Knowledge) -> list[Finding]:
    seen = DetectorView(image=view, detector=detector.id, interests=detector.interests)
    found = list(detector.detect(seen, knowledge))
    return [finding if finding.docs else finding.model_copy(update={"docs": detector.docs}) for finding in found]
