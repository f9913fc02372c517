"""Which CUDA major version the image is built for, and the NVIDIA driver that this asks for."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda import version
from compatbuild.detectors._cuda_compat import compat_libraries, older_branches
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import GpuUse, Vendor
from compatbuild.detectors._nvidia import REQUIRE_CUDA, SWITCH, requirements_disabled
from compatbuild.detectors._sonames import own_name
from compatbuild.detectors._uses import MAX_EVIDENCE, Use, strongest, together
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import (
    AlternativesRequirement,
    AnyRequirement,
    DriverRequirement,
    ModuleRequirement,
)

_MUSL = ("ld-musl-", "libc.musl-")
_GCOMPAT = "libgcompat.so"
"""Alpine's gcompat gives musl some of what glibc has; how much of the driver that carries is not known."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the driver that the CUDA libraries in use ask for, and what bears on it."""
    cuda = knowledge.cuda
    gpus = Gpus.of(view, knowledge)
    majors = [use for use in gpus.by(Vendor.NVIDIA) if use.major]
    if majors:
        yield _floor(view, majors, gpus, cuda)
    elif gpus.driver:
        yield _driver(gpus.driver)
    yield from _no_glibc(view, [*(use.use for use in majors), *gpus.driver], cuda)
    yield from _forward_compatibility(view, cuda)


@dataclass(frozen=True, slots=True)
class _Decided:
    """The lowest driver for the major that decides, and whether the image cannot do without a GPU of NVIDIA's."""

    floor: str
    hard: bool


def _floor(view: DetectorView, majors: Sequence[GpuUse], gpus: Gpus, cuda: Cuda) -> Finding:
    """Return the driver floor of the major that decides; unused majors alone make no more than a hint."""
    used = [one for one in majors if one.use.confidence is not Confidence.HINT] or list(majors)
    asked = sorted({one.major for one in used})
    major = _deciding(used)
    row = cuda.driver_floors.get(major)
    confidence, evidence = together([one.use for one in used if one.major == major])
    confidence = capped(confidence, *([row] if row else []))
    facts = {"cuda.major": major, "gpu.vendors": ["nvidia"], "accelerator.pci": sorted(cuda.pci_vendors)}
    title, requirement = "CUDA " + ", ".join(map(str, asked)), None
    if row and not (confidence is Confidence.HINT and len(asked) > 1):
        decided = _Decided(row.value, hard=gpus.needed == {Vendor.NVIDIA})
        facts["cuda.driver.min"] = decided.floor
        title = f"NVIDIA driver >= {decided.floor}" + ("" if decided.hard else " where a GPU is used")
        requirement = _requirement(view, decided, cuda) if len(gpus.needed) < 2 else None
    proven = [use.evidence for use in gpus.driver if use.confidence is Confidence.PROVEN]
    return Finding(
        id="cuda.driver-min",
        title=title,
        confidence=confidence,
        severity=_severity(confidence, required=requirement is not None),
        requirement=requirement,
        facts=facts,
        evidence=(*evidence, *proven[:5])[:MAX_EVIDENCE],
    )


def _deciding(used: Sequence[GpuUse]) -> int:
    """Return the highest major that something in use cannot do without.

    Files whose paths differ in numbers alone, such as ``cuda_v12/libggml-cuda.so`` and ``cuda_v13/libggml-cuda.so``,
    are variants: the lowest of them will do. So it is with libraries of NVIDIA's that nothing is seen to need, the
    runtime before others, for packages bring them for several majors.
    """
    users = [one for one in used if not one.runtime]
    if not users:
        runtimes = [one for one in used if posixpath.basename(one.path).startswith("libcudart")]
        return min(one.major for one in runtimes or used)
    lowest: dict[str, int] = {}
    for one in users:
        name = re.sub(r"\d+", "", one.path)
        lowest[name] = min(one.major, lowest.get(name, one.major))
    return max(lowest.values())


def _requirement(view: DetectorView, decided: _Decided, cuda: Cuda) -> AnyRequirement | None:
    """Return the range of drivers, with the older branches that a forward-compatibility library in the image makes do.

    None where the image states its own range, or where these branches are not known: leaving them out would refuse
    hosts that run the image.
    """
    floor = DriverRequirement(driver=f">={decided.floor}", when="always" if decided.hard else "present")
    carried = compat_libraries(view, cuda)
    if not carried:
        return floor
    env = view.env()
    branches = older_branches(carried.values(), cuda)
    if branches is None or (REQUIRE_CUDA in env and not requirements_disabled(env)):
        return None
    lowest = version(decided.floor)[0]
    older = [DriverRequirement(driver=f">={b},<{b + 1}", when=floor.when) for b in branches if b < lowest]
    return AlternativesRequirement(any=tuple((way,) for way in (floor, *older))) if older else floor


def _severity(confidence: Confidence, *, required: bool) -> Severity:
    return Severity.REQUIRED if required and confidence is not Confidence.HINT else Severity.INFO


def _driver(uses: Sequence[Use]) -> Finding:
    """Return the need of a driver of unknown version; only what will not load without it is a requirement."""
    confidence, evidence = together(uses)
    proven = confidence is Confidence.PROVEN
    return Finding(
        id="cuda.driver",
        title="An NVIDIA driver" if proven else "An NVIDIA driver where a GPU is used",
        confidence=confidence,
        severity=_severity(confidence, required=proven),
        requirement=ModuleRequirement(module=("nvidia",)) if proven else None,
        facts={"gpu.vendors": ["nvidia"]},
        evidence=evidence,
    )


def _no_glibc(view: DetectorView, uses: Sequence[Use], cuda: Cuda) -> Iterator[Finding]:
    """Yield that no host can give a musl image its driver: a requirement that cannot be met, and so is not stated."""
    confidence = strongest(use.confidence for use in uses)
    if confidence is Confidence.HINT:
        return
    library, row = next(iter(cuda.driver_needs.items()))
    names = {own_name(path, elf): path for path, elf in view.elves()}
    musl = sorted(path for name, path in names.items() if name.startswith(_MUSL))
    if musl and row.value not in names and not any(name.startswith(_GCOMPAT) for name in names):
        yield Finding(
            id="cuda.no-glibc",
            title=f"No host's {library} can be loaded: the image has musl only, and it is built for {row.value}",
            confidence=capped(confidence, row),
            severity=Severity.REQUIRED,
            evidence=(view.at(musl[0], "musl is the image's only C library"), *together(uses)[1][:5]),
        )


def _forward_compatibility(view: DetectorView, cuda: Cuda) -> Iterator[Finding]:
    for path, release in compat_libraries(view, cuda).items():
        branches = older_branches([release], cuda)
        told = ", ".join(map(str, branches)) if branches else "older than its own"
        yield Finding(
            id="cuda.forward-compat",
            title=f"A user-space driver{f' of CUDA {release}' if release else ''} lets driver branches {told} do, "
            "on data-centre GPUs only",
            confidence=Confidence.HINT,
            severity=Severity.RECOMMENDED,
            evidence=(view.at(path, "A user-space driver newer than the host's can be loaded from here"),),
        )
        return


DETECTOR = Detector(
    id="cuda_runtime",
    title="CUDA major version and NVIDIA driver",
    interests=Interests.union([INTERESTS, Interests(env=(REQUIRE_CUDA, SWITCH))]),
    detect=detect,
    facts=("cuda.major", "cuda.driver.min", "gpu.vendors", "accelerator.pci"),
    features=("kernel.loadedmodule", "local.label"),
)
