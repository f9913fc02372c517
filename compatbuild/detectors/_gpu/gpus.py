"""All uses of GPUs in an image, decided among vendors and versions: what the detectors of GPUs begin with."""

from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors._cuda import STATIC_RUNTIME, TOOLS
from compatbuild.detectors._gpu.cuda import CudaSearch
from compatbuild.detectors._gpu.intel import SECTION, SyclSearch
from compatbuild.detectors._gpu.rocm import RocmSearch
from compatbuild.detectors._gpu.use import Asked, GpuUse, Middleware, Vendor, settled
from compatbuild.detectors._uses import Use, strongest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence

INTERESTS = Interests(markers=(STATIC_RUNTIME, TOOLS), elf=True, device_code=True)
"""What a detector that asks for this must declare, or more."""


@dataclass(frozen=True, slots=True)
class Gpus:
    """Who uses GPUs in an image: ``driver`` are the files that need a library of NVIDIA's driver."""

    uses: tuple[GpuUse, ...]
    driver: tuple[Use, ...]

    @staticmethod
    def of(view: DetectorView, knowledge: Knowledge) -> "Gpus":
        """Find them; the interests must include those of this module."""
        middleware = Middleware(view, knowledge.accelerators)
        files = tuple(_candidates(view, knowledge))
        cuda = CudaSearch(view, files, knowledge.cuda, middleware)
        rocm = RocmSearch(view, files, knowledge.rocm, middleware)
        sycl = SyclSearch(view, files, knowledge.accelerators, middleware)
        return Gpus(settled([*cuda.uses(), *rocm.uses(), *sycl.uses()]), tuple(cuda.driver()))

    def by(self, vendor: Vendor) -> list[GpuUse]:
        """Return the uses of one vendor's GPUs."""
        return [use for use in self.uses if use.vendor is vendor]

    def used(self, vendor: Vendor) -> frozenset[str]:
        """Return the files whose use of a vendor's GPUs is more than a hint."""
        return frozenset(use.path for use in self.by(vendor) if use.use.confidence is not Confidence.HINT)

    @property
    def needs_driver(self) -> bool:
        """Whether a program that is sure to run cannot be loaded without NVIDIA's driver."""
        return strongest(use.confidence for use in self.driver) is Confidence.PROVEN

    @property
    def needed(self) -> frozenset[Vendor]:
        """The vendors whose runtime a program that is sure to run is linked with: of several, any GPU will do."""
        return frozenset({Vendor.NVIDIA} if self.needs_driver else {use.vendor for use in self.uses if use.hard})


def _candidates(view: DetectorView, knowledge: Knowledge) -> Iterator[tuple[str, ElfFacts]]:
    """Yield the few files that have anything to do with GPUs, so that the searches need not look at the others."""
    cuda, rocm, accelerators = knowledge.cuda, knowledge.rocm, knowledge.accelerators
    asked = Asked(
        *(cuda.runtime_sonames, cuda.library_sonames, cuda.driver_sonames),
        *(rocm.runtime_sonames, rocm.library_sonames, rocm.other_sonames),
        *(accelerators.level_zero, accelerators.sycl),
    )
    for path, elf in view.elves():
        code = elf.device_code or elf.hip or STATIC_RUNTIME.id in elf.markers
        if code or asked.own(path, elf) or asked.of(elf) or any(name.startswith(SECTION) for name in elf.sections):
            yield path, elf
