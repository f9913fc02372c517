"""Which files of an image use Intel GPUs, through Level Zero or SYCL, and what SYCL code there is for others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compatbuild.detectors._gpu.use import Asked, GpuUse, Middleware, Vendor, known
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.accelerators import Accelerators
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

SECTION = "__CLANG_OFFLOAD_BUNDLE__sycl-"
"""How the sections with device code of SYCL programs begin; the target follows."""


@dataclass(frozen=True)
class SyclSearch:
    """A search for the users of Level Zero and SYCL among some files of an image."""

    view: DetectorView
    files: Sequence[tuple[str, ElfFacts]]
    knowledge: Accelerators
    middleware: Middleware

    def uses(self) -> list[GpuUse]:
        """Return every file's use of Level Zero or SYCL: what it is, else what it needs and the device code in it."""
        asked = Asked(self.knowledge.level_zero, self.knowledge.sycl)
        return [use for path, elf in self.files for use in self._of_file(path, elf, asked)]

    def _of_file(self, path: str, elf: ElfFacts, asked: Asked) -> Iterator[GpuUse]:
        own = asked.own(path, elf)
        if row := self._direct(own) or known(own, self.knowledge.sycl):
            yield self._use(path, Vendor.INTEL, row, (f"{own} is the {row.value}", "DT_SONAME"))
            return
        for name in asked.of(elf):
            if row := self._direct(name) or known(name, self.knowledge.sycl):
                yield self._use(path, Vendor.INTEL, row, (f"It needs {name}, the {row.value}", "DT_NEEDED"), name)
        for section in elf.sections:
            target = section.removeprefix(SECTION)
            if target != section and (row := self.knowledge.sycl_targets.get(target)):
                yield self._use(path, Vendor(row.value), row, (f"It holds SYCL code for {target}", section), target)

    def _direct(self, name: str) -> Row[str] | None:
        """Return what is known of a library that is not only for SYCL."""
        return known(name, self.knowledge.level_zero)

    def _use(self, path: str, vendor: Vendor, row: Row[str], told: tuple[str, str], asked: str = "") -> GpuUse:
        """Return a use, ``asked`` being what it asks for.

        A program that links Level Zero is loaded without a device, so that it is likely at most.
        """
        confidence = self.middleware.confidence(path, weakest(Confidence.LIKELY, row.grade.ceiling))
        aside = self.middleware.serves(path)
        sure = not aside and self.view.confidence(path) is Confidence.PROVEN
        hard = sure and self._direct(asked) is not None
        use = Use(confidence, self.view.at(path, *told))
        return GpuUse(vendor, path, use, runtime=not asked, bare=bool(asked), hard=hard, aside=aside)
