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
    """MPI libraries. Names of files are without their directory, and ``*`` is allowed in them."""

    sonames: Table[str, MpiLibrary]
    soname_patterns: Table[str, MpiLibrary]  # sonames with ``*``, looked up after the others
    old_open_mpi: Table[str, MpiLibrary]  # sonames of MPICH that old releases of Open MPI had too
    parts: Table[str, str]  # name of a file that belongs to an MPI library → what it is
    optional_users: Table[str, str]  # name of a file that links an MPI library without needing one → what it is
    packages: Table[str, str]  # "ecosystem:name" → implementation
    process_managers: Table[str, str]  # soname → process-management interface
