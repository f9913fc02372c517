"""Which high-speed networks the image's middleware was built for, and which it cannot do without."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._fabric import helpers, intent, middleware, rdma
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Finding

SOURCES = (middleware, intent, rdma, helpers)
"""The kinds of evidence, one module each."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what was built into UCX and libfabric, which network is meant, and what programs ask of the kernel."""
    for source in SOURCES:
        yield from source.detect(view, knowledge.fabric)


DETECTOR = Detector(
    id="fabric",
    title="High-speed networks: UCX, libfabric, EFA, RDMA",
    interests=Interests(elf=True, env=(intent.VARIABLE,)),
    detect=detect,
    facts=("fabric.ucx", "fabric.libfabric", "fabric.efa", "kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule", "kernel.loadedmodule", "pci.device"),
)
