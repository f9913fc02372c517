"""Programs that call libibverbs themselves, told apart from middleware that links it for hosts that have RDMA."""

import posixpath
from collections.abc import Iterator

from compatbuild.detectors._fabric import kernel
from compatbuild.detectors._names import Names, asked_of
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.fabric import Fabric, KernelSide
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence, Finding, Severity


def detect(view: DetectorView, fabric: Fabric) -> Iterator[Finding]:
    """Yield what serves the RDMA libraries that are needed: likely for a program of its own, a hint for middleware."""
    ours, middleware = Names(fabric.rdma_core), Names(fabric.rdma_middleware)
    for library, row in sorted(fabric.rdma.items()):
        uses = []
        for path, elf in view.elves():
            if library in asked_of(elf) and not ours.of(path):
                uses.append(_use(view, path, row, library, beside=middleware.of(path) != ""))
        if uses:
            yield _finding(row.value, uses)


def _use(view: DetectorView, path: str, row: Row[KernelSide], library: str, *, beside: bool) -> Use:
    """Return one use; a shared library (``lib*``) serves many programs, of which few have an adapter in mind."""
    name = posixpath.basename(path)
    optional = beside or name.startswith("lib")
    ceiling = Confidence.HINT if optional else weakest(Confidence.LIKELY, row.grade.ceiling)
    return Use(view.confidence(path, ceiling), view.at(path, f"{name} needs {library}", "DT_NEEDED"))


def _finding(side: KernelSide, uses: list[Use]) -> Finding:
    confidence, evidence = together(uses)
    unused = confidence is Confidence.HINT
    return Finding(
        id="fabric.rdma",
        title=f"A kernel with {side.title}",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=kernel.requirement(side),
        facts={} if unused else kernel.facts(side),
        evidence=evidence,
    )
