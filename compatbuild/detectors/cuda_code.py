"""Which NVIDIA GPUs the image's device code runs on: compute capabilities covered, the lowest of them, and the gaps."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda import (
    UNLINKED,
    Compiler,
    compiler,
    from_driver,
    linked_code,
    profiling_library,
    vendor_library,
    version,
)
from compatbuild.detectors._cuda_compat import compat_libraries
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import Vendor
from compatbuild.detectors._targets import covered, dotted, gaps, jit_drivers, lowest, number
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import ComputeRequirement, DriverRequirement

MAX_TITLE = 300
"""Characters of a title."""

Code = Mapping[str, tuple[DeviceCode, ...]]


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the coverage of the image's main libraries together, and hints about what single files lack."""
    cuda = knowledge.cuda
    code = {
        path: found
        for path, elf in view.elves()
        if (found := _readable(linked_code(elf))) and not _beside_the_point(path, elf, cuda)
    }
    if code:
        main, confidence = _main(code, Gpus.of(view, knowledge).used(Vendor.NVIDIA), cuda)
        union = tuple(
            sorted({one for found in main.values() for one in found}, key=lambda c: (number(c.target), str(c)))
        )
        yield _coverage(view, main, union, confidence, cuda)
        yield from _gaps(view, main, union, cuda)
        yield from _narrow_files(view, main, union, cuda)
        yield from _jit(view, main, confidence, cuda)
    yield from _unlinked(view, cuda)


def _beside_the_point(path: str, elf: ElfFacts, cuda: Cuda) -> bool:
    return from_driver(path, elf, cuda) or profiling_library(path, cuda)


def _readable(code: Iterable[DeviceCode]) -> tuple[DeviceCode, ...]:
    return tuple(one for one in code if number(one.target))


def _main(code: Code, used: Collection[str], cuda: Cuda) -> tuple[Code, Confidence]:
    """Return the files that decide, and how sure their use is.

    Used files go before unused ones, and the image's own code before NVIDIA's libraries, which cover more GPUs than
    the program they serve.
    """
    candidates = {path: found for path, found in code.items() if path in used}
    row = next(iter(cuda.capabilities.values()))
    confidence = capped(Confidence.LIKELY if candidates else Confidence.HINT, row)
    candidates = candidates or dict(code)
    own = {path: found for path, found in candidates.items() if not vendor_library(path, cuda)}
    return own or candidates, confidence


def _coverage(
    view: DetectorView, main: Code, union: tuple[DeviceCode, ...], confidence: Confidence, cuda: Cuda
) -> Finding:
    floor = dotted(lowest(union, cuda))
    compilers = _compilers(view, main, cuda)
    evidence = [view.at(path, _told(found), "fatbin") for path, found in sorted(main.items())]
    facts = {
        "cuda.sass": list(dict.fromkeys(one.target for one in union if one.kind == "sass")),
        "cuda.ptx": [[one.target, one.isa] for one in _distinct_ptx(union)],
        "cuda.compute.min": floor,
        "gpu.vendors": ["nvidia"],
        "accelerator.pci": sorted(cuda.pci_vendors),
    }
    if compilers:
        facts["cuda.toolkit"] = max((one.release for one in compilers), key=version)
    return Finding(
        id="cuda.code",
        title=f"A GPU of compute capability >= {floor} where one is used",
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=ComputeRequirement(compute=f">={floor}"),
        facts=facts,
        evidence=tuple([*evidence, *(one.evidence for one in compilers)][:MAX_EVIDENCE]),
    )


def _compilers(view: DetectorView, main: Code, cuda: Cuda) -> list[Compiler]:
    elves = dict(view.elves())
    found = [compiler(view, path, elves[path], cuda) for path in sorted(main)]
    return [one for one in found if one is not None]


def _distinct_ptx(union: Iterable[DeviceCode]) -> list[DeviceCode]:
    return list({(one.target, one.isa): one for one in union if one.kind == "ptx"}.values())


def _told(found: Iterable[DeviceCode]) -> str:
    """Return what a file's device code is for, in one sentence."""
    ordered = sorted(found, key=lambda one: (number(one.target), one.target))
    sass = ", ".join(dict.fromkeys(one.target for one in ordered if one.kind == "sass")) or "none"
    ptx = ", ".join(dict.fromkeys(f"{one.target} (ISA {one.isa})" for one in ordered if one.kind == "ptx")) or "none"
    return f"Native code for {sass}; PTX for {ptx}"[:1000]


def _gaps(view: DetectorView, main: Code, union: tuple[DeviceCode, ...], cuda: Cuda) -> Iterator[Finding]:
    missing = gaps(union, cuda)
    if missing:
        yield Finding(
            id="cuda.compute-gaps",
            title=f"No code for GPUs of compute capability {', '.join(missing)}",
            confidence=Confidence.HINT,
            severity=Severity.RECOMMENDED,
            facts={"cuda.compute.gaps": list(missing)},
            evidence=tuple(view.at(path, _told(found), "fatbin") for path, found in sorted(main.items())[:5]),
        )


def _narrow_files(view: DetectorView, main: Code, union: tuple[DeviceCode, ...], cuda: Cuda) -> Iterator[Finding]:
    """Yield the files that cover fewer GPUs than all together: features of the image that some GPUs will miss."""
    everything = covered(union, cuda)
    narrow = {path: found for path, found in sorted(main.items()) if covered(found, cuda) != everything}
    evidence: list[Evidence] = []
    for path, found in narrow.items():
        missing = ", ".join(map(dotted, sorted(everything - covered(found, cuda))))
        evidence.append(view.at(path, f"No code for {missing}, which other files cover", "fatbin"))
    if evidence:
        names = ", ".join(posixpath.basename(path) for path in list(narrow)[:3])
        yield Finding(
            id="cuda.narrow-files",
            title=f"Some files run on fewer GPUs than the rest: {names}"[:MAX_TITLE],
            confidence=Confidence.HINT,
            evidence=tuple(evidence[:MAX_EVIDENCE]),
        )


def _jit(view: DetectorView, main: Code, confidence: Confidence, cuda: Cuda) -> Iterator[Finding]:
    """Yield the driver that GPUs need for which there is PTX only: one that knows its ISA version.

    Where there is no native code at all, every GPU needs it, which makes it a requirement; a forward-compatibility
    library compiles PTX itself, so that then the host's driver does not matter.
    """
    wanted = jit_drivers([one for found in main.values() for one in found], cuda)
    if not wanted:
        return
    lowest = min(wanted.values(), key=lambda driver: version(driver.version))
    told = "; ".join(
        f">= {driver.version} ({', '.join(dotted(c) for c in sorted(wanted) if wanted[c] == driver)})"
        for driver in sorted(set(wanted.values()), key=lambda driver: version(driver.version))
    )
    alone = not any(one.kind == "sass" for found in main.values() for one in found)
    required = alone and not compat_libraries(view, cuda)
    sure = capped(confidence, *lowest.rows) if required else Confidence.HINT
    enters = sure is not Confidence.HINT
    isas = {driver.isa for driver in wanted.values()}
    holders = [path for path, found in sorted(main.items()) if any(one.isa in isas for one in found)]
    yield Finding(
        id="cuda.ptx-jit",
        title=f"GPUs that only PTX covers need a driver {told}"[:MAX_TITLE],
        confidence=sure,
        severity=Severity.REQUIRED if enters else Severity.INFO,
        requirement=DriverRequirement(driver=f">={lowest.version}") if enters else None,
        evidence=tuple(view.at(path, _told(main[path]), "fatbin") for path in holders[:MAX_EVIDENCE]),
    )


def _unlinked(view: DetectorView, cuda: Cuda) -> Iterator[Finding]:
    """Yield files with device code for a device link that does not stand in linked form beside it.

    It cannot run as it stands; a program that links while it runs may use its PTX.
    """
    found = []
    for path, elf in view.elves():
        linked = {(one.kind, one.target) for one in linked_code(elf)}
        extra = [one for one in elf.device_code if (one.kind, one.target) not in linked]
        if extra and not _beside_the_point(path, elf, cuda):
            found.append(view.at(path, _told(extra), UNLINKED))
    if found:
        yield Finding(
            id="cuda.unlinked-code",
            title="Device code that is not linked yet",
            confidence=Confidence.HINT,
            evidence=tuple(found[:MAX_EVIDENCE]),
        )


DETECTOR = Detector(
    id="cuda_code",
    title="GPUs that the image's CUDA code runs on",
    interests=INTERESTS,
    detect=detect,
    facts=(
        "cuda.sass",
        "cuda.ptx",
        "cuda.toolkit",
        "cuda.compute.min",
        "cuda.compute.gaps",
        "gpu.vendors",
        "accelerator.pci",
    ),
    features=("kernel.loadedmodule", "local.label"),
)
