"""Accelerators that are no GPUs: NPUs, TPUs, AWS Neuron, Intel Gaudi and Huawei Ascend."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors import Detector
from compatbuild.detectors._gpu.device import driver, pci
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import Asked, Middleware, known
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.accelerators import Accelerators, Device
from compatbuild.knowledge.rows import Row, capped
from compatbuild.model.finding import Confidence, Finding, Severity

_STUBS = re.compile(r"/(?:devlib|stubs?)/")
"""Directories of libraries to link against, which are not to be loaded."""


@dataclass(frozen=True, slots=True)
class _DeviceUse:
    """A file's use of a kind of device; ``needed`` if the file is of no use, or not even loaded, without it."""

    device: str
    use: Use
    needed: bool = False


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield each kind of device that the image has libraries or code for.

    It is a requirement where a program that is sure to run is linked with its library, or where a file in use needs a
    library that comes with the host's driver; not so beside code for GPUs, of which it may be an alternative.
    """
    uses = list(_Search(view, knowledge.accelerators).uses())
    if not uses:
        return
    alternatives = any(use.use.confidence is not Confidence.HINT for use in Gpus.of(view, knowledge).uses)
    for key, row in knowledge.accelerators.devices.items():
        own = [use for use in uses if use.device == key]
        if own:
            yield from _device(view, key, row, own, alternatives=alternatives)


@dataclass(frozen=True)
class _Search:
    view: DetectorView
    knowledge: Accelerators

    def uses(self) -> Iterator[_DeviceUse]:
        """Yield who is, or needs, a library for a device."""
        own, brought = self.knowledge.libraries, self.knowledge.host_libraries
        asked, middleware = Asked(own, brought), Middleware(self.view, self.knowledge)
        elves = list(self.view.elves())
        carried = {asked.own(path, elf) for path, elf in elves if not _STUBS.search(path)} & brought.keys()
        for path, elf in elves:
            if row := known(asked.own(path, elf), own) or known(asked.own(path, elf), brought):
                yield self._use(path, row, f"{asked.own(path, elf)} is a library for it", "DT_SONAME")
            if not middleware.serves(path):
                yield from self._needs(path, elf, asked, carried)

    def _needs(self, path: str, elf: ElfFacts, asked: Asked, carried: set[str]) -> Iterator[_DeviceUse]:
        for name in asked.of(elf):
            if row := known(name, self.knowledge.libraries):
                sure = self.view.confidence(path) is Confidence.PROVEN
                yield self._use(path, row, f"It needs {name}", "DT_NEEDED", needed=sure)
            elif row := known(name, self.knowledge.host_libraries):
                absent = name not in carried
                told = f"It needs {name}" + (", which the host brings: it is not in the image" if absent else "")
                yield self._use(path, row, told, "DT_NEEDED", needed=absent)

    def _use(self, path: str, row: Row[str], told: str, locator: str, *, needed: bool = False) -> _DeviceUse:
        confidence = self.view.confidence(path, weakest(Confidence.LIKELY, row.grade.ceiling))
        return _DeviceUse(row.value, Use(confidence, self.view.at(path, told, locator)), needed)


def _device(
    view: DetectorView, key: str, row: Row[Device], uses: list[_DeviceUse], *, alternatives: bool
) -> Iterator[Finding]:
    device = row.value
    needed = [one.use for one in uses if one.needed and one.use.confidence is not Confidence.HINT]
    sure = any(view.confidence(one.evidence.path) is Confidence.PROVEN for one in needed)
    required = bool(needed) and (sure or not alternatives)
    confidence, evidence = together(needed if required else [one.use for one in uses])
    confidence = capped(confidence, row) if required else confidence
    enters = required and confidence is not Confidence.HINT
    advice = (view.at(evidence[0].path, device.advice, "advice"),) if device.advice else ()
    yield Finding(
        id=f"accelerator.{key}",
        title=device.title if enters else f"{device.title}, where there is one",
        confidence=confidence,
        severity=Severity.REQUIRED if enters else Severity.INFO,
        requirement=pci(device) if enters else None,
        facts={"accelerator.pci": [device.vendor]},
        evidence=evidence + advice,
    )
    if enters:
        yield from driver(f"accelerator.{key}-driver", [device], confidence, evidence)


DETECTOR = Detector(
    id="accelerators",
    title="NPUs, TPUs and other accelerators",
    interests=INTERESTS,
    detect=detect,
    facts=("accelerator.pci", "kernel.modules"),
    features=("kernel.loadedmodule", "pci.device"),
)
