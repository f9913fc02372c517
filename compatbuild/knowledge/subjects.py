"""What is known, by subject: one class a file, one table a field.

A class's fields are the blocks of the file of the same name; comments in the files say what to beware of. Large
subjects have a module of their own beside their file.
"""

from dataclasses import dataclass

from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.fabric import Fabric
from compatbuild.knowledge.kernel import Kernel
from compatbuild.knowledge.mpi import Mpi
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
    driver_sonames: Table[str, str]  # soname of a library that comes with the driver → what it is
    driver_needs: Table[str, str]  # soname of a library of the driver → soname it needs of the image
    driver_floors: Table[int, str]  # major → lowest driver by minor-version compatibility
    ptx_toolkits: Table[str, str]  # PTX ISA version → the oldest toolkit that emits it
    toolkit_drivers: Table[str, str]  # toolkit → driver in its installer
    branches: Table[str, int]  # CUDA version that a driver reports → first branch that reports it
    capabilities: Table[int, str]  # capability → oldest toolkit measured that compiles for it
    renamed_capabilities: Table[int, int]  # old number → number since
    pci_vendors: Table[str, str]  # PCI vendor → name


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it; ``as_of`` is the newest day on which a row was read (ISO date)."""

    as_of: str
    cuda: Cuda
    cpu: Cpu
    kernel: Kernel
    mpi: Mpi
    fabric: Fabric


SUBJECTS = {"cuda": Cuda, "cpu": Cpu, "kernel": Kernel, "mpi": Mpi, "fabric": Fabric}
"""Name of the file and of the field in ``Knowledge``, and the class of each subject."""
