"""Whether the image uses Intel GPUs, through Level Zero or SYCL, and when it cannot do without such a device."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._gpu.device import driver, pci
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import Vendor
from compatbuild.detectors._uses import together
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity

DEVICES = ("intel-gpu", "intel-npu")
"""What Level Zero drives."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the use of Intel GPUs: a requirement only where the program is linked with Level Zero and no other's."""
    gpus = Gpus.of(view, knowledge)
    uses = [use.use for use in gpus.by(Vendor.INTEL) if not use.aside]
    if not uses:
        return
    rows = [knowledge.accelerators.devices[name] for name in DEVICES]
    devices = [row.value for row in rows]
    confidence, evidence = together(uses)
    needed = gpus.needed == {Vendor.INTEL}
    confidence = capped(confidence, *rows) if needed else confidence
    enters = needed and confidence is not Confidence.HINT
    title = " or ".join(device.title for device in devices) if enters else f"{devices[0].title} where one is used"
    yield Finding(
        id="intel.gpu",
        title=f"An {title}",
        confidence=confidence,
        severity=Severity.REQUIRED if enters else Severity.INFO,
        requirement=pci(*devices) if enters else None,
        facts={"gpu.vendors": ["intel"], "accelerator.pci": [devices[0].vendor]},
        evidence=evidence,
    )
    if enters:
        yield from driver("intel.driver", devices, confidence, evidence)


DETECTOR = Detector(
    id="intel_gpu",
    title="Intel GPUs: Level Zero and SYCL",
    interests=INTERESTS,
    detect=detect,
    facts=("gpu.vendors", "accelerator.pci"),
    features=("kernel.loadedmodule", "pci.device"),
)
