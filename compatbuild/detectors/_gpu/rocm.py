"""Which files of an image use ROCm, and which major version of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compatbuild.detectors._gpu.use import Asked, GpuUse, Middleware, Vendor, known
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.rocm import Rocm
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence


@dataclass(frozen=True)
class RocmSearch:
    """A search for the users of ROCm among some files of an image."""

    view: DetectorView
    files: Sequence[tuple[str, ElfFacts]]
    rocm: Rocm
    middleware: Middleware

    def uses(self) -> list[GpuUse]:
        """Return every file's use of ROCm: what it is, else what it needs, else the HIP code in it."""
        asked = Asked(self.rocm.runtime_sonames, self.rocm.library_sonames, self.rocm.other_sonames)
        return [use for path, elf in self.files for use in self._of_file(path, elf, asked)]

    def _of_file(self, path: str, elf: ElfFacts, asked: Asked) -> Iterator[GpuUse]:
        own = asked.own(path, elf)
        if row := self._row(own):
            yield self._library(path, own, row, bare=False)
            return
        found = [(name, row) for name in asked.of(elf) if (row := self._row(name))]
        for name, row in found:
            yield self._library(path, name, row, bare=True)
        if elf.hip and not found:
            confidence = self.middleware.confidence(path, Confidence.LIKELY)
            use = Use(confidence, self.view.at(path, "It holds HIP code", "offload bundle"))
            yield GpuUse(Vendor.AMD, path, use, bare=True, aside=self.middleware.serves(path))

    def _row(self, soname: str) -> Row[int] | Row[str] | None:
        """Return what is known of a library: its major, or what it is."""
        major = known(soname, self.rocm.runtime_sonames) or known(soname, self.rocm.library_sonames)
        return major or known(soname, self.rocm.other_sonames)

    def _library(self, path: str, name: str, row: Row[int] | Row[str], *, bare: bool) -> GpuUse:
        """Return the use of a library; who links one is loaded without a GPU, so that it is likely at most."""
        major = row.value if isinstance(row.value, int) else 0
        belongs = f"ROCm {major}" if major else "ROCm"
        told = f"It needs {name} of {belongs}" if bare else f"{name} belongs to {belongs}"
        aside = self.middleware.serves(path)
        return GpuUse(
            Vendor.AMD,
            path,
            Use(
                self.middleware.confidence(path, weakest(Confidence.LIKELY, row.grade.ceiling)),
                self.view.at(path, told, "DT_NEEDED" if bare else "DT_SONAME"),
            ),
            major,
            runtime=not bare,
            bare=bare,
            hard=bare and not aside and self.view.confidence(path) is Confidence.PROVEN,
            aside=aside,
        )
