"""What is known of AMD ROCm: the class whose fields are the blocks of ``rocm.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table


@dataclass(frozen=True, slots=True)
class Rocm:
    """AMD ROCm. Majors are integers, releases ``6.3``, targets LLVM's names of processors (``gfx90a``)."""

    runtime_sonames: Table[str, int]  # soname of libamdhip64 → major
    library_sonames: Table[str, int]  # soname of a library that belongs to one major only → major
    other_sonames: Table[str, str]  # soname that says ROCm without a version → what it is
    vendor_libraries: Table[str, str]  # beginning of the file name of a library of ROCm's own → its name
    version_packages: Table[str, str]  # "ecosystem:name" (``*`` allowed) of a package with ROCm's version → what it is
    drivers: Table[str, tuple[str, ...]]  # release of AMD's kernel driver → releases of the user space tested with it
    kernels: Table[str, tuple[str, str]]  # target → newest kernel seen without it ("0": none), oldest seen with it
