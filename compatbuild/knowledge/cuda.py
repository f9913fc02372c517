"""What is known of NVIDIA CUDA: the class whose fields are the blocks of ``cuda.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table


@dataclass(frozen=True, slots=True)
class Cuda:
    """NVIDIA CUDA.

    Majors are integers, toolkits and PTX ISA versions ``12.9``, drivers ``525.60.13``, branches the number of a driver
    branch (``570``), capabilities numbers without the dot (``90``).
    """

    runtime_sonames: Table[str, int]  # soname of libcudart → major
    library_sonames: Table[str, int]  # soname of a toolkit library that belongs to one major only → major
    vendor_libraries: Table[str, str]  # beginning of the file name of a library of NVIDIA's own → its name
    profiling_libraries: Table[str, str]  # beginning of the file name of a library for profilers → its name
    toolkit_packages: Table[str, str]  # "ecosystem:name" (``*`` allowed) of a package with the toolkit's version → what
    driver_sonames: Table[str, str]  # soname of a library that comes with the driver → what it is
    driver_needs: Table[str, str]  # soname of a library of the driver → soname it needs of the image
    driver_floors: Table[int, str]  # major → lowest driver by minor-version compatibility
    forward_compat: Table[str, tuple[int, ...]]  # toolkit of cuda-compat → older branches it was made to run on
    ptx_toolkits: Table[str, str]  # PTX ISA version → the oldest toolkit that emits it
    toolkit_drivers: Table[str, str]  # toolkit → driver in its installer
    branches: Table[str, int]  # CUDA version that a driver reports → first branch that reports it
    capabilities: Table[int, str]  # capability → oldest toolkit measured that compiles for it
    renamed_capabilities: Table[int, int]  # old number → number since
    pci_vendors: Table[str, str]  # PCI vendor → name
