"""Kernel facilities that some programs are of no use without: FUSE, KVM, TUN and the like."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_finding
from compatbuild.detectors._users import INTERESTS, uses_of
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Finding


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield one finding for each facility whose programs, packages or library users are in the image."""
    rows, introduced = knowledge.kernel.facilities, knowledge.kernel.introduced
    for name, found in sorted(uses_of(view, rows).items()):
        if found:
            yield facility_finding(f"kernel.{name}", rows[name].value, found, introduced)


DETECTOR = Detector(
    id="kernel_facilities",
    title="Kernel facilities that programs are built on",
    interests=INTERESTS,
    detect=detect,
    facts=("kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule"),
)
