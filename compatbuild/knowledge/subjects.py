"""What is known, by subject: one class a file, one table a field.

A class's fields are the blocks of the file of the same name; comments in the files say what to beware of. Large
subjects have a module of their own beside their file.
"""

from dataclasses import dataclass

from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.fabric import Fabric
from compatbuild.knowledge.mpi import Mpi
from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model


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


class Users(Model):
    """Who uses something.

    ``programs`` are file names (``*`` allowed, ``{machine}`` is the image's own machine as ``uname -m`` names it) of
    programs that are of no use without it; ``called`` are such programs that come along with others, so that they count
    only when the default program calls them; ``optional`` are programs that can use it and do without. ``packages`` are
    the names of packages in any ecosystem, ``library_packages`` of packages that hold the library alone. ``libraries``
    are sonames (``*`` allowed) whose users need it, ``incidental`` file names of what links such a library only for a
    side feature. With one of ``substitutes`` (programs) in the image it can do without, and ``fallback`` says why all
    its users can.
    """

    programs: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    library_packages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    incidental: tuple[str, ...] = ()
    substitutes: tuple[str, ...] = ()
    fallback: str = ""


class Facility(Users):
    """Something the kernel does for programs.

    ``options`` must all be set (``y`` or ``m``); ``modules`` are the modules that show it, any of which will do. One
    from outside the kernel's own tree has no options.
    """

    title: str
    options: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kernel:
    """What programs use of the kernel. Options are without ``CONFIG_``."""

    facilities: Table[str, Facility]
    ipvs: Table[str, Facility]
    netfilter: Table[str, Facility]  # ``nft``, ``legacy`` → what that variant of iptables works on
    netfilter_programs: Table[str, str]  # file name of the program behind ``iptables`` → variant
    user_space_io: Table[str, Facility]  # the ways to drive a PCI device from user space
    dpdk: Table[str, Users]
    bpf_compilers: Table[str, Users]  # what compiles BPF programs on the host
    bpf_options: Table[str, str]  # ``syscall``, ``btf``, ``headers`` → option
    optional_bpf: Table[str, str]  # file name (``*`` allowed) of a file whose BPF objects are optional → why
    page_sizes: Table[int, str]  # page size of arm64 in bytes → option
    compat_options: Table[str, str]  # "e_machine/bits" of a program → option of a 64-bit kernel that runs it


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
