"""What is known of MPI libraries: the class whose fields are the blocks of ``mpi.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model


class MpiLibrary(Model):
    """One soname of an MPI library: the ABI family it belongs to, and the implementation if only one has it."""

    family: str
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Mpi:
    """MPI libraries."""

    sonames: Table[str, MpiLibrary]
    old_open_mpi: Table[str, MpiLibrary]  # sonames of MPICH that old releases of Open MPI had too
    packages: Table[str, str]  # "ecosystem:name" → implementation
    process_managers: Table[str, str]  # soname → process-management interface
