"""What is known, by subject: one class a file, one table a field.

A class's fields are the blocks of the file of the same name; comments in the files say what to beware of. Every
subject has a module of its own beside its file.
"""

from dataclasses import dataclass

from compatbuild.knowledge.accelerators import Accelerators
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.fabric import Fabric
from compatbuild.knowledge.kernel import Kernel
from compatbuild.knowledge.mpi import Mpi
from compatbuild.knowledge.rocm import Rocm


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it; ``as_of`` is the newest day on which a row was read (ISO date)."""

    as_of: str
    cuda: Cuda
    rocm: Rocm
    accelerators: Accelerators
    cpu: Cpu
    kernel: Kernel
    mpi: Mpi
    fabric: Fabric


SUBJECTS = {
    "cuda": Cuda,
    "rocm": Rocm,
    "accelerators": Accelerators,
    "cpu": Cpu,
    "kernel": Kernel,
    "mpi": Mpi,
    "fabric": Fabric,
}
"""Name of the file and of the field in ``Knowledge``, and the class of each subject."""
