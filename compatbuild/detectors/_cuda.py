"""What the detectors of CUDA share: which files are NVIDIA's own, and which toolkit compiled a file's device code."""

import posixpath
import re
from dataclasses import dataclass

from compatbuild.detectors._sonames import own_name
from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.image.interests import Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cuda import Cuda
from compatbuild.model.finding import Confidence, Evidence

TOOLS = Marker("cuda.tools-release", b"Cuda compilation tools, release ", pattern=rb"release (\d{1,3}\.\d{1,3}), V")
"""What ptxas writes into a cubin; only cubins that are stored uncompressed show it, about every second file."""

STATIC_RUNTIME = Marker("cuda.static-runtime", b"CUDA driver version is insufficient for CUDA runtime version")
"""The text of cudaErrorInsufficientDriver: in a file that needs no libcudart, the runtime is linked in statically."""

UNLINKED = "__nv_relfatbin"
"""Section of device code before the device link: it cannot run as it stands, and cuobjdump leaves it out."""

_HOST_SIDE = re.compile(r"/usr/local/cuda[^/]*/compat/|/stubs/")


def from_driver(path: str, elf: ElfFacts, cuda: Cuda) -> bool:
    """Say whether a file is a part of the driver that strayed into the image: a copy, a stub, forward compatibility."""
    return own_name(path, elf) in cuda.driver_sonames or _HOST_SIDE.search(path) is not None


def vendor_library(path: str, cuda: Cuda) -> bool:
    """Say whether a file is a library of NVIDIA's own."""
    return posixpath.basename(path).startswith(tuple(cuda.vendor_libraries))


def profiling_library(path: str, cuda: Cuda) -> bool:
    """Say whether a file is a library of NVIDIA's for profilers."""
    return posixpath.basename(path).startswith(tuple(cuda.profiling_libraries))


def linked_code(elf: ElfFacts) -> tuple[DeviceCode, ...]:
    """Return the device code of a file that runs as it stands."""
    return tuple(code for code in elf.device_code if code.section != UNLINKED)


def version(text: str) -> tuple[int, ...]:
    """Return a version's numbers, for comparison."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


@dataclass(frozen=True, slots=True)
class Compiler:
    """The toolkit that compiled some device code, what says so, and how sure a conclusion from it can be."""

    release: str
    evidence: Evidence
    ceiling: Confidence

    @property
    def major(self) -> int:
        """Return the CUDA major version."""
        return version(self.release)[0]


def compiler(view: DetectorView, path: str, elf: ElfFacts, cuda: Cuda) -> Compiler | None:
    """Return what compiled a file's device code; None if nothing in the file says.

    The compiler's own words are exact; a PTX ISA version says the oldest toolkit that emits it, the newest of several.
    Native code for a GPU that this one did not know yet is from a later one: cuFFT holds PTX of 11.8 at most.
    """
    if groups := elf.markers.get(TOOLS.id):
        said = view.at(path, f"Its device code was compiled by CUDA {groups[0]}", "Cuda compilation tools")
        return Compiler(groups[0], said, Confidence.PROVEN)
    known = [code.isa for code in elf.device_code if code.isa in cuda.ptx_toolkits]
    if not known:
        return None
    isa = max(known, key=version)
    row, told = cuda.ptx_toolkits[isa], f"Its PTX ISA {isa} is CUDA {cuda.ptx_toolkits[isa].value}'s"
    for target in {re.sub(r"\D", "", code.target) for code in linked_code(elf) if code.kind == "sass"}:
        first = cuda.capabilities.get(int(target)) if target else None
        if first and version(first.value) > version(row.value):
            row, told = first, f"CUDA {first.value} is the first that compiles its native code for {target}"
    return Compiler(row.value, view.at(path, told, "fatbin"), row.grade.ceiling)
