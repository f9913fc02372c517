"""Which NVIDIA GPUs the image's device code runs on: compute capabilities covered, the lowest of them, and the gaps."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda import (
    TOOLS,
    Compiler,
    compiler,
    from_driver,
    linked_code,
    vendor_library,
    version,
)
from compatbuild.detectors._targets import covered, dotted, gaps, lowest, number
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.elf import DeviceCode
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import ComputeRequirement

Code = Mapping[str, tuple[DeviceCode, ...]]


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the coverage of the image's main libraries together, and hints about what single files lack."""
    cuda = knowledge.cuda
    code = {
        path: found
        for path, elf in view.elves()
        if (found := _readable(linked_code(elf))) and not from_driver(path, elf, cuda)
    }
    if code:
        main, confidence = _main(view, code, cuda)
        union = tuple(
            sorted({one for found in main.values() for one in found}, key=lambda c: (number(c.target), str(c)))
        )
        yield _coverage(view, main, union, confidence, cuda)
        yield from _gaps(view, main, union, cuda)
        yield from _narrow_files(view, main, union, cuda)
        yield from _jit(view, main, union, cuda)
    yield from _unlinked(view, cuda)


def _readable(code: Iterable[DeviceCode]) -> tuple[DeviceCode, ...]:
    return tuple(one for one in code if number(one.target))


def _main(view: DetectorView, code: Code, cuda: Cuda) -> tuple[Code, Confidence]:
    """Return the files that decide, and how sure their use is.

    Used files go before unused ones, and the image's own code before NVIDIA's libraries, which cover more GPUs than
    the program they serve.
    """
    used = {path: found for path, found in code.items() if view.confidence(path) is not Confidence.HINT}
    candidates = used or dict(code)
    own = {path: found for path, found in candidates.items() if not vendor_library(path, cuda)}
    row = next(iter(cuda.capabilities.values()))
    return own or candidates, capped(Confidence.LIKELY if used else Confidence.HINT, row)


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
            title=f"Some files run on fewer GPUs than the rest: {names}"[:300],
            confidence=Confidence.HINT,
            evidence=tuple(evidence[:MAX_EVIDENCE]),
        )


def _jit(view: DetectorView, main: Code, union: tuple[DeviceCode, ...], cuda: Cuda) -> Iterator[Finding]:
    """Yield the driver that GPUs need for which there is PTX only: one that knows its ISA version."""
    native = covered([one for one in union if one.kind == "sass"], cuda)
    wanted: list[tuple[str, frozenset[int], DeviceCode]] = []
    for one in _distinct_ptx(union):
        toolkit = cuda.ptx_toolkits.get(one.isa)
        driver = cuda.toolkit_drivers.get(toolkit.value) if toolkit else None
        only = covered([one], cuda) - native
        if only and driver:
            wanted.append((driver.value, only, one))
    if not wanted:
        return
    driver_version, only, widest = max(wanted, key=lambda item: (len(item[1]), -version(item[0])[0]))
    holders = [path for path, found in sorted(main.items()) if widest in found]
    yield Finding(
        id="cuda.ptx-jit",
        title=f"GPUs of capability {', '.join(map(dotted, sorted(only)))} need a driver >= {driver_version}",
        confidence=Confidence.HINT,
        evidence=tuple(
            view.at(path, f"Only PTX {widest.target} of ISA {widest.isa} covers them", "fatbin")
            for path in holders[:MAX_EVIDENCE]
        ),
    )


def _unlinked(view: DetectorView, cuda: Cuda) -> Iterator[Finding]:
    """Yield files whose only device code is for a device link: it cannot run as it stands."""
    found = [
        view.at(path, _told(elf.device_code), "__nv_relfatbin")
        for path, elf in view.elves()
        if elf.device_code and not linked_code(elf) and not from_driver(path, elf, cuda)
    ]
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
    interests=Interests(markers=(TOOLS,), elf=True, device_code=True),
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
    features=("local.label",),
)
