"""Which CUDA major version the image is built for, and the NVIDIA driver that this asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda import COMPAT_LIBRARY, STATIC_RUNTIME, TOOLS, compiler, from_driver, linked_code
from compatbuild.detectors._nvidia import REQUIRE_CUDA, SWITCH, requirements_disabled
from compatbuild.detectors._sonames import needed, own_name
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import Row, capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import DriverRequirement, ModuleRequirement

_RUNTIME = re.compile(r"libcudart\.so\.(\d{1,3})(?:\..*)?")
_LIBC_LINKS = ("/lib/libc.so.6", "/lib64/libc.so.6", "/usr/glibc-compat/lib/libc.so.6")


@dataclass(frozen=True, slots=True)
class _MajorUse:
    """A use of one CUDA major; ``bare`` if the library is only asked for, ``hard`` if no program loads without it."""

    major: int
    use: Use
    bare: bool = False
    hard: bool = False


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the driver that the CUDA libraries in use ask for, and what bears on it."""
    cuda = knowledge.cuda
    majors = _settled([found for path, elf in view.elves() for found in _of_file(view, path, elf, cuda)])
    driver = list(_driver_users(view, cuda))
    if majors:
        yield _floor(view, majors, driver, cuda)
    elif driver:
        yield _driver(driver)
    if any(found.use.confidence is not Confidence.HINT for found in majors):
        yield from _no_glibc(view, cuda)
    yield from _forward_compatibility(view)


def _of_file(view: DetectorView, path: str, elf: ElfFacts, cuda: Cuda) -> Iterator[_MajorUse]:
    """Yield what one file says: what it is, else what it needs, else what was linked or compiled into it."""
    if from_driver(path, elf, cuda):
        return
    own = own_name(path, elf)
    if row := _major(own, cuda):
        yield _library(view, path, row, own, bare=False)
        return
    asked = [(name, row) for name in needed(elf) if (row := _major(name, cuda))]
    for name, row in asked:
        yield _library(view, path, row, name, bare=True)
    if asked or not (STATIC_RUNTIME.id in elf.markers or linked_code(elf)):
        return
    if built := compiler(view, path, elf, cuda):
        confidence = view.confidence(path, weakest(Confidence.LIKELY, built.ceiling))
        yield _MajorUse(built.major, Use(confidence, built.evidence))


def _major(soname: str, cuda: Cuda) -> Row[int] | None:
    """Return the CUDA major that a library belongs to; repairing a wheel may have made the soname longer."""
    if match := _RUNTIME.fullmatch(soname):
        return next((row for row in cuda.runtime_sonames.values() if row.value == int(match[1])), None)
    while soname not in cuda.library_sonames and "." in soname:
        soname = soname.rpartition(".")[0]
    return cuda.library_sonames.get(soname)


def _library(view: DetectorView, path: str, row: Row[int], name: str, *, bare: bool) -> _MajorUse:
    """Return the use of a toolkit library; only the runtime itself is ever more than likely."""
    runtime = _RUNTIME.fullmatch(name) is not None
    ceiling = weakest(Confidence.PROVEN if runtime else Confidence.LIKELY, row.grade.ceiling)
    confidence = view.confidence(path, ceiling)
    told = f"It needs {name} of CUDA {row.value}" if bare else f"{name} belongs to CUDA {row.value}"
    evidence = view.at(path, told, "DT_NEEDED" if bare else "DT_SONAME")
    return _MajorUse(row.value, Use(confidence, evidence), bare, runtime and confidence is Confidence.PROVEN)


def _settled(found: list[_MajorUse]) -> list[_MajorUse]:
    """Weaken what asks for majors that are not in the image beside others that are, or that are several.

    A wheel may carry one variant of its library for every CUDA version and load whichever it finds.
    """
    present = {use.major for use in found if not use.bare}
    absent = {use.major for use in found if use.bare} - present
    variants = absent if present or len(absent) > 1 else set()
    return [
        replace(one, use=replace(one.use, confidence=Confidence.HINT))
        if one.major in variants and one.bare and not one.hard
        else one
        for one in found
    ]


def _driver_users(view: DetectorView, cuda: Cuda) -> Iterator[Use]:
    """Yield the files that need a library of the driver; a copy of it in the image makes that less than sure."""
    copies = {own_name(path, elf) for path, elf in view.elves() if "/stubs/" not in path and "/compat/" not in path}
    for path, elf in view.elves():
        if from_driver(path, elf, cuda):
            continue
        for name in sorted(set(needed(elf)) & cuda.driver_sonames.keys()):
            row = cuda.driver_sonames[name]
            ceiling = weakest(row.grade.ceiling, Confidence.LIKELY if name in copies else Confidence.PROVEN)
            told = f"It needs {name} ({row.value}), which comes with the driver"
            yield Use(view.confidence(path, ceiling), view.at(path, told, "DT_NEEDED"))


def _floor(view: DetectorView, majors: Sequence[_MajorUse], driver: Sequence[Use], cuda: Cuda) -> Finding:
    """Return the driver floor of the highest major in use; unused majors alone make no more than a hint."""
    used = [one for one in majors if one.use.confidence is not Confidence.HINT] or list(majors)
    top = max(one.major for one in used)
    hard = any(one.hard for one in used) or any(use.confidence is Confidence.PROVEN for use in driver)
    row = cuda.driver_floors.get(top)
    confidence, evidence = together([one.use for one in used if one.major == top])
    confidence = capped(confidence, *([row] if row else []))
    undecided = confidence is Confidence.HINT and len({one.major for one in used}) > 1
    declared = _declared(view)
    facts = {"cuda.major": top, "gpu.vendors": ["nvidia"], "accelerator.pci": sorted(cuda.pci_vendors)}
    if row is None or undecided:
        requirement = None
        title = "CUDA " + ", ".join(str(major) for major in sorted({one.major for one in used}))
    else:
        requirement = DriverRequirement(driver=f">={row.value}", when="always" if hard else "present")
        title = f"NVIDIA driver >= {row.value}" + ("" if hard else " where a GPU is used")
        facts["cuda.driver.min"] = row.value
    return Finding(
        id="cuda.driver-min",
        title=title,
        confidence=confidence,
        severity=_severity(confidence, required=requirement is not None and not declared),
        requirement=None if declared else requirement,
        facts=facts,
        evidence=evidence + tuple(use.evidence for use in driver if use.confidence is Confidence.PROVEN)[:5],
    )


def _severity(confidence: Confidence, *, required: bool) -> Severity:
    return Severity.REQUIRED if required and confidence is not Confidence.HINT else Severity.INFO


def _declared(view: DetectorView) -> bool:
    """Say whether the image states its own range, which a forward-compatibility library makes wider than the floor."""
    carried = any(COMPAT_LIBRARY.fullmatch(path) for path, _ in view.elves())
    return carried and REQUIRE_CUDA in view.env() and not requirements_disabled(view.env())


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


def _no_glibc(view: DetectorView, cuda: Cuda) -> Iterator[Finding]:
    """Yield a warning about a GPU image on musl alone: the injected driver's libraries need glibc."""
    library, row = next(iter(cuda.driver_needs.items()))
    musl = [path for path, elf in view.elves() if own_name(path, elf).startswith(("ld-musl-", "libc.musl-"))]
    glibc = any(own_name(path, elf) == row.value for path, elf in view.elves()) or any(map(view.exists, _LIBC_LINKS))
    if musl and not glibc:
        yield Finding(
            id="cuda.no-glibc",
            title=f"{library} of the host cannot be loaded: the image has no {row.value}",
            confidence=capped(Confidence.LIKELY, row),
            severity=Severity.RECOMMENDED,
            evidence=(view.at(musl[0], "musl is the image's only C library"),),
        )


def _forward_compatibility(view: DetectorView) -> Iterator[Finding]:
    found = [path for path, _ in view.elves() if COMPAT_LIBRARY.fullmatch(path)]
    if found:
        yield Finding(
            id="cuda.forward-compat",
            title="A forward-compatibility library lets older drivers do, on data-centre GPUs only",
            confidence=Confidence.HINT,
            evidence=(view.at(found[0], "A user-space driver newer than the host's can be loaded from here"),),
        )


DETECTOR = Detector(
    id="cuda_runtime",
    title="CUDA major version and NVIDIA driver",
    interests=Interests(markers=(STATIC_RUNTIME, TOOLS), elf=True, device_code=True, env=(REQUIRE_CUDA, SWITCH)),
    detect=detect,
    facts=("cuda.major", "cuda.driver.min", "gpu.vendors", "accelerator.pci"),
    features=("kernel.loadedmodule", "local.label"),
)
