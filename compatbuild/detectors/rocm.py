"""Which AMD GPUs the image has code for, which ROCm it is built with, and when it cannot do without such a GPU."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from pydantic import JsonValue

from compatbuild.detectors import Detector
from compatbuild.detectors._gpu.device import driver, pci
from compatbuild.detectors._gpu.gpus import INTERESTS, Gpus
from compatbuild.detectors._gpu.use import GpuUse, Vendor
from compatbuild.detectors._uses import MAX_EVIDENCE, Use, together, weakest
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rocm import Rocm
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity

DEVICE = "amd-gpu"
MAX_TITLE = 300
"""Characters of a title."""

VERSION = FileInterest("/opt/rocm*/.info/version", 64)
"""The release that AMD's packages state (``6.3.3-74``)."""

_RELEASE = re.compile(r"(\d{1,3}\.\d{1,3})(?:\D|$)")
_DIRECTORY = re.compile(r"/opt/rocm-(\d{1,3}\.\d{1,3})\.\d{1,3}/.*")
_LOCAL = re.compile(r"[^+]*\+(?:.*\.)?rocm(\d{1,2}\.\d{1,2})(?:\..*)?")
"""A local version such as ``2.7.1+rocm6.3``, as PyTorch's index names its builds."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the use of AMD GPUs, the targets of the code for them, and what is known of drivers for both."""
    gpus = Gpus.of(view, knowledge)
    uses = [use for use in gpus.by(Vendor.AMD) if not use.aside]
    if uses:
        yield from _gpu(uses, gpus, knowledge)
    code = {path: elf.hip for path, elf in view.elves() if elf.hip}
    if code:
        yield from _code(view, code, gpus, knowledge)
    releases = list(_releases(view, knowledge.rocm))
    if releases:
        yield _release(releases, knowledge.rocm)


def _gpu(uses: Sequence[GpuUse], gpus: Gpus, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the use of AMD GPUs: a requirement only where the program is linked with ROCm and no other vendor's."""
    device = knowledge.accelerators.devices[DEVICE]
    best = [one for one in uses if one.use.confidence is not Confidence.HINT] or list(uses)
    confidence, evidence = together([one.use for one in best])
    majors = sorted({one.major for one in best if one.major})
    needed = gpus.needed == {Vendor.AMD}
    confidence = capped(confidence, device) if needed else confidence
    enters = needed and confidence is not Confidence.HINT
    facts: dict[str, JsonValue] = {"gpu.vendors": ["amd"], "accelerator.pci": [device.value.vendor]}
    if majors:
        facts["rocm.major"] = majors[-1]
    stack = f"ROCm {', '.join(map(str, majors))}" if majors else "ROCm"
    yield Finding(
        id="rocm.gpu",
        title=f"An {device.value.title} for {stack}" + ("" if enters else " where one is used"),
        confidence=confidence,
        severity=Severity.REQUIRED if enters else Severity.INFO,
        requirement=pci(device.value) if enters else None,
        facts=facts,
        evidence=evidence,
    )
    if enters:
        yield from driver("rocm.driver", [device.value], confidence, evidence)


def _code(
    view: DetectorView, code: Mapping[str, tuple[str, ...]], gpus: Gpus, knowledge: Knowledge
) -> Iterator[Finding]:
    """Yield the targets of the files that decide: used ones before unused ones, the image's own before ROCm's."""
    used = gpus.used(Vendor.AMD)
    candidates = {path: found for path, found in code.items() if path in used}
    confidence = Confidence.LIKELY if candidates else Confidence.HINT
    candidates = candidates or dict(code)
    vendor = tuple(knowledge.rocm.vendor_libraries)
    own = {p: found for p, found in candidates.items() if not posixpath.basename(p).startswith(vendor)}
    main = own or candidates
    targets = sorted({one for found in main.values() for one in found}, key=lambda t: (len(t.partition(":")[0]), t))
    evidence = tuple(
        view.at(path, f"HIP code for {', '.join(found)}", "offload bundle")
        for path, found in sorted(main.items())[:MAX_EVIDENCE]
    )
    yield Finding(
        id="rocm.code",
        title=f"Code for the AMD GPUs {', '.join(targets)}"[:MAX_TITLE],
        confidence=confidence,
        facts={"rocm.targets": targets, "gpu.vendors": ["amd"]},
        evidence=evidence,
    )
    brackets: dict[tuple[str, str], list[str]] = {}
    for target in dict.fromkeys(target.partition(":")[0] for target in targets):
        row = knowledge.rocm.kernels.get(target)
        if row and row.value[0] != "0":
            brackets.setdefault(row.value, []).append(target)
    if brackets:
        told = "; ".join(
            f"{', '.join(names)} after {newest_without} (by {oldest_with})"
            for (newest_without, oldest_with), names in brackets.items()
        )
        yield Finding(
            id="rocm.kernel",
            title=f"The kernel's own amdgpu drives them from these kernels on: {told}"[:MAX_TITLE],
            confidence=Confidence.HINT,
            evidence=evidence[:1],
        )


def _releases(view: DetectorView, rocm: Rocm) -> Iterator[tuple[str, Use]]:
    """Yield the releases that files, packages and directories state."""
    for path, content in view.files(VERSION.glob):
        if match := _RELEASE.match(content.decode("ascii", "replace")):
            yield match[1], Use(view.confidence(path, Confidence.LIKELY), view.at(path, f"It says {match[1]}"))
    for package in view.packages():
        said = view.at(package.path, f"Package {package.name} {package.version} is installed", package.name)
        confidence = view.confidence(package.path, Confidence.LIKELY)
        if package.ecosystem == "pypi" and (local := _LOCAL.fullmatch(package.version)):
            yield local[1], Use(confidence, said)
        for pattern, row in rocm.version_packages.items():
            match = _RELEASE.match(package.version)
            if match and fnmatchcase(f"{package.ecosystem}:{package.name}", pattern):
                yield match[1], Use(weakest(confidence, row.grade.ceiling), said)
    for path, _ in view.elves():
        if match := _DIRECTORY.fullmatch(path):
            yield match[1], Use(view.confidence(path, Confidence.LIKELY), view.at(path, f"It lies in ROCm {match[1]}"))


def _release(found: Sequence[tuple[str, Use]], rocm: Rocm) -> Finding:
    """Return the newest release in use, with the kernel drivers that AMD tests it with."""
    sure = [one for one in found if one[1].confidence is not Confidence.HINT] or found
    release = max((release for release, _ in sure), key=_numbers)
    confidence, evidence = together([use for other, use in sure if other == release])
    drivers = [driver for driver, row in rocm.drivers.items() if release in row.value]
    tested = f", which AMD tests with its kernel drivers {', '.join(drivers)}" if drivers else ""
    return Finding(
        id="rocm.release",
        title=f"Built with ROCm {release}{tested}",
        confidence=confidence,
        facts={"rocm.version": release},
        evidence=evidence,
    )


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]


DETECTOR = Detector(
    id="rocm",
    title="AMD GPUs: ROCm and HIP code",
    interests=Interests.union([INTERESTS, Interests(files=(VERSION,), packages=True)]),
    detect=detect,
    facts=("rocm.major", "rocm.version", "rocm.targets", "gpu.vendors", "accelerator.pci", "kernel.modules"),
    features=("kernel.loadedmodule", "pci.device"),
)
