"""Which files of an image use CUDA, which major version of it, and who needs NVIDIA's driver to be loaded at all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compatbuild.detectors._cuda import STATIC_RUNTIME, compiler, from_driver, linked_code, vendor_library
from compatbuild.detectors._gpu.use import Asked, GpuUse, Middleware, Vendor, known
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

_RUNTIME = re.compile(r"libcudart\.so\.(\d{1,3})(?:\..*)?")


@dataclass(frozen=True)
class CudaSearch:
    """A search for the users of CUDA among some files of an image."""

    view: DetectorView
    files: Sequence[tuple[str, ElfFacts]]
    cuda: Cuda
    middleware: Middleware

    def uses(self) -> list[GpuUse]:
        """Return every file's use of CUDA: what it is, else what it needs, else what was linked or compiled into it."""
        asked = Asked(self.cuda.runtime_sonames, self.cuda.library_sonames)
        return [
            use
            for path, elf in self.files
            if not from_driver(path, elf, self.cuda)
            for use in self._of_file(path, elf, asked)
        ]

    def _of_file(self, path: str, elf: ElfFacts, asked: Asked) -> Iterator[GpuUse]:
        own = asked.own(path, elf)
        if row := self._major(own):
            yield self._library(path, row, own, bare=False)
            return
        found = [(name, row) for name in asked.of(elf) if (row := self._major(name))]
        for name, row in found:
            yield self._library(path, row, name, bare=True)
        if not found and (STATIC_RUNTIME.id in elf.markers or linked_code(elf)):
            yield self._compiled(path, elf)

    def _major(self, soname: str) -> Row[int] | None:
        """Return the CUDA major that a library belongs to."""
        if match := _RUNTIME.fullmatch(soname):
            return next((row for row in self.cuda.runtime_sonames.values() if row.value == int(match[1])), None)
        return known(soname, self.cuda.library_sonames)

    def _library(self, path: str, row: Row[int], name: str, *, bare: bool) -> GpuUse:
        """Return the use of a toolkit library; only the runtime itself is ever more than likely."""
        runtime = _RUNTIME.fullmatch(name) is not None
        ceiling = weakest(Confidence.PROVEN if runtime else Confidence.LIKELY, row.grade.ceiling)
        confidence = self.middleware.confidence(path, ceiling)
        told = f"It needs {name} of CUDA {row.value}" if bare else f"{name} belongs to CUDA {row.value}"
        return GpuUse(
            Vendor.NVIDIA,
            path,
            Use(confidence, self.view.at(path, told, "DT_NEEDED" if bare else "DT_SONAME")),
            row.value,
            runtime=not bare,
            bare=bare,
            hard=bare and runtime and confidence is Confidence.PROVEN,
            aside=self.middleware.serves(path),
        )

    def _compiled(self, path: str, elf: ElfFacts) -> GpuUse:
        """Return the use of the runtime that was linked into a file, or of whichever loads its device code."""
        built = compiler(self.view, path, elf, self.cuda)
        ceiling = weakest(Confidence.LIKELY, built.ceiling) if built else Confidence.LIKELY
        evidence = built.evidence if built else self.view.at(path, "It holds code for NVIDIA GPUs", "fatbin")
        return GpuUse(
            Vendor.NVIDIA,
            path,
            Use(self.middleware.confidence(path, ceiling), evidence),
            built.major if built else 0,
            runtime=vendor_library(path, self.cuda),
            aside=self.middleware.serves(path),
        )

    def driver(self) -> list[Use]:
        """Return who needs a library of the driver; a copy of it in the image makes that less than sure.

        A program that is sure to run cannot be loaded without, even where only middleware wants it.
        """
        asked = Asked(self.cuda.driver_sonames)
        files = [
            (path, elf, names)
            for path, elf in self.files
            if (names := {asked.own(path, elf), *asked.of(elf)} & self.cuda.driver_sonames.keys())
        ]
        copies = {asked.own(path, elf) for path, elf, _ in files if "/stubs/" not in path and "/compat/" not in path}
        return [
            self._driver(path, name, copied=name in copies)
            for path, elf, names in files
            if not from_driver(path, elf, self.cuda)
            for name in sorted(names)
        ]

    def _driver(self, path: str, name: str, *, copied: bool) -> Use:
        row = self.cuda.driver_sonames[name]
        ceiling = weakest(row.grade.ceiling, Confidence.LIKELY if copied else Confidence.PROVEN)
        confidence = self.view.confidence(path, ceiling)
        if confidence is not Confidence.PROVEN:
            confidence = self.middleware.confidence(path, ceiling)
        told = f"It needs {name} ({row.value}), which comes with the driver"
        return Use(confidence, self.view.at(path, told, "DT_NEEDED"))
