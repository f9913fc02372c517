"""Code for GPUs of several vendors in one image: alternatives, any of which will do, never all of them together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda_compat import compat_libraries
from compatbuild.detectors._gpu.device import whole
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import GpuUse, Vendor
from compatbuild.detectors._uses import strongest, together, weakest
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import (
    AlternativesRequirement,
    AnyRequirement,
    DriverRequirement,
    ModuleRequirement,
)

Uses: TypeAlias = Mapping[Vendor, Sequence[GpuUse]]

NAMES = {Vendor.NVIDIA: ("NVIDIA", "CUDA"), Vendor.AMD: ("AMD", "ROCm"), Vendor.INTEL: ("Intel", "")}
DEVICES: dict[Vendor, tuple[str, ...]] = {
    Vendor.NVIDIA: (),
    Vendor.AMD: ("amd-gpu",),
    Vendor.INTEL: ("intel-gpu", "intel-npu"),
}
"""Keys of ``accelerators.devices``; NVIDIA's are asked for by their driver."""

SHOWN = 6
"""Pieces of evidence shown for each vendor."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the vendors, if there are several; a requirement only where the program is linked with two or more."""
    gpus = Gpus.of(view, knowledge)
    uses = {vendor: [use for use in gpus.by(vendor) if not use.aside] for vendor in Vendor}
    uses = {vendor: found for vendor, found in uses.items() if found}
    if len(uses) < 2:
        return
    active = {vendor: found for vendor, found in uses.items() if gpus.used(vendor)}
    shown = active if len(active) > 1 else uses
    needed = sorted(gpus.needed) if len(gpus.needed) > 1 else []
    confidence = Confidence.HINT if len(active) == 1 else _confidence(view, shown)
    if needed:
        rows = [knowledge.accelerators.devices[name] for vendor in needed for name in DEVICES[vendor]]
        confidence = capped(confidence, *rows)
    enters = bool(needed) and confidence is not Confidence.HINT
    told = ", ".join(_told(vendor, found) for vendor, found in shown.items())
    yield Finding(
        id="gpu.alternatives",
        title=f"Code for GPUs of {told}: {'one of them is needed' if enters else 'any of them will do, or none'}",
        confidence=confidence,
        severity=Severity.REQUIRED if enters else Severity.INFO,
        requirement=_any_of(view, needed, uses, knowledge) if enters else None,
        facts={"gpu.vendors": sorted(shown), "accelerator.pci": sorted(set(_pci(shown, knowledge)))},
        evidence=tuple(evidence for found in shown.values() for evidence in _evidence(found)),
    )


def _confidence(view: DetectorView, uses: Uses) -> Confidence:
    """Return how sure it is that there is a choice: as sure as the file is used for the vendor it is least sure for.

    What nobody is seen to load among several counts as used here, if its file is.
    """
    return weakest(
        *(strongest(view.confidence(use.path, Confidence.LIKELY) for use in found) for found in uses.values())
    )


def _told(vendor: Vendor, uses: Sequence[GpuUse]) -> str:
    """Return a vendor with the versions that there is code for: ``NVIDIA (CUDA 11, 12, 13)``."""
    name, stack = NAMES[vendor]
    majors = sorted({use.major for use in uses if use.major})
    return f"{name} ({stack} {', '.join(map(str, majors))})" if majors else name


def _evidence(uses: Sequence[GpuUse]) -> tuple[Evidence, ...]:
    """Return evidence of one vendor, at most SHOWN pieces, the surest first."""
    best = together([use.use for use in uses])[1]
    return best[:SHOWN]


def _pci(vendors: Iterable[Vendor], knowledge: Knowledge) -> Iterator[str]:
    for vendor in vendors:
        yield from (knowledge.accelerators.devices[name].value.vendor for name in DEVICES[vendor])
        yield from knowledge.cuda.pci_vendors if vendor is Vendor.NVIDIA else ()


def _any_of(view: DetectorView, needed: Sequence[Vendor], uses: Uses, knowledge: Knowledge) -> AlternativesRequirement:
    """Return one branch for each device of each vendor."""
    branches: list[tuple[AnyRequirement, ...]] = []
    for vendor in needed:
        if vendor is Vendor.NVIDIA:
            branches.append((_nvidia(view, uses[vendor], knowledge),))
        branches += [whole(knowledge.accelerators.devices[name].value) for name in DEVICES[vendor]]
    return AlternativesRequirement(any=tuple(branches))


def _nvidia(view: DetectorView, uses: Sequence[GpuUse], knowledge: Knowledge) -> AnyRequirement:
    """Return the driver for the highest major that is linked; any driver, where older ones are made to do."""
    row = knowledge.cuda.driver_floors.get(max(use.major for use in uses if use.hard))
    if row is None or compat_libraries(view, knowledge.cuda):
        return ModuleRequirement(module=("nvidia",))
    return DriverRequirement(driver=f">={row.value}", when="always")


DETECTOR = Detector(
    id="gpu_alternatives",
    title="GPUs of several vendors, any of which will do",
    interests=INTERESTS,
    detect=detect,
    facts=("gpu.vendors", "accelerator.pci"),
    features=("kernel.loadedmodule", "local.label", "pci.device"),
)
