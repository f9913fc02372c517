"""IPVS, the load balancer in the kernel: ipvsadm is nothing without, keepalived needs it for its virtual servers."""

import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_finding
from compatbuild.detectors._users import INTERESTS, uses_of
from compatbuild.detectors._uses import Use
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding

SETTINGS = FileInterest("/etc/keepalived/keepalived.conf")
"""Where keepalived looks for its configuration (keepalived(8))."""
_VIRTUAL_SERVER = re.compile(rb"^[ \t]*virtual_server(?:_group)?\b", re.MULTILINE)


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield IPVS for ipvsadm, and for keepalived as far as its configuration, if the image has it, asks for it."""
    rows = knowledge.kernel.ipvs
    found = uses_of(view, rows)
    uses = found["ipvsadm"] + (found["keepalived"] if _balances(view) else list(map(_unsure, found["keepalived"])))
    if uses:
        yield facility_finding("kernel.ipvs", rows["ipvsadm"].value, uses)


def _balances(view: DetectorView) -> bool:
    """Say whether keepalived has virtual servers; without a configuration only what an image is for tells."""
    settings = [content for _, content in view.files(SETTINGS.glob)]
    return any(map(_VIRTUAL_SERVER.search, settings)) if settings else not view.entrypoint_known


def _unsure(use: Use) -> Use:
    return Use(Confidence.HINT, use.evidence)


DETECTOR = Detector(
    id="kernel_ipvs",
    title="IPVS",
    interests=Interests.union((INTERESTS, Interests(files=(SETTINGS,)))),
    detect=detect,
    facts=("kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule"),
)
