"""Kernel modules that save a copy between processes, GPUs and adapters: hints, as all of it has a slower way."""

from collections.abc import Iterator

from compatbuild.detectors._fabric import kernel
from compatbuild.detectors._names import Names, asked_of
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.fabric import Fabric, Helper
from compatbuild.model.finding import Confidence, Evidence, Finding


def detect(view: DetectorView, fabric: Fabric) -> Iterator[Finding]:
    """Yield one hint for each helper that something in the image can use."""
    for name, row in sorted(fabric.helpers.items()):
        if evidence := _evidence(view, row.value):
            yield _finding(name, row.value, evidence)


def _evidence(view: DetectorView, helper: Helper) -> tuple[Evidence, ...]:
    files, libraries = Names(helper.files), frozenset(helper.libraries)
    found = []
    for path, elf in view.elves():
        if files.of(path):
            found.append(view.at(path, f"It can use {helper.title}", "file name"))
        elif libraries:
            found += [view.at(path, f"It needs {one}", "DT_NEEDED") for one in sorted(asked_of(elf) & libraries)]
    return tuple(found[:MAX_EVIDENCE])


def _finding(name: str, helper: Helper, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        id=f"fabric.{name}",
        title=f"The image can use {helper.title}",
        confidence=Confidence.HINT,
        requirement=kernel.requirement(helper),
        evidence=evidence,
    )
