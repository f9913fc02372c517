"""The stable names of facts about an image, and how several findings about one fact are merged.

The names are an outward contract (design §6, ``docs/facts.md``): they are added to, never renamed.
"""

from enum import StrEnum

from compatbuild.model.base import Model


class Merge(StrEnum):
    """What to do when several findings state the same fact."""

    SAME = "same"  # one value; the surest finding wins, and a disagreement among equals is reported
    MAX = "max"  # the highest wins, by its numbers: the strictest minimum
    UNION = "union"  # lists are joined, sorted, without duplicates


class FactName(Model):
    """One fact: its name, how values merge, and what the value is."""

    name: str
    merge: Merge
    doc: str


def _table(*rows: tuple[str, Merge, str]) -> dict[str, FactName]:
    return {name: FactName(name=name, merge=merge, doc=doc) for name, merge, doc in rows}


FACTS = _table(
    ("os.id", Merge.SAME, "ID of os-release: `debian`, `rhel`, `alpine`"),
    ("os.version", Merge.SAME, "VERSION_ID of os-release"),
    ("libc.family", Merge.SAME, "`glibc` or `musl`: the libc that the entrypoint's loader belongs to"),
    ("libc.version", Merge.SAME, "version of that libc"),
    ("cpu.architecture", Merge.SAME, "OCI architecture name: `amd64`, `arm64`"),
    ("cpu.level", Merge.MAX, "lowest x86-64 micro-architecture level that runs the image: `x86-64-v2`"),
    ("cpu.flags", Merge.UNION, "CPU flags needed beyond the level, by NFD's names"),
    ("cpu.page-size.max", Merge.SAME, "largest kernel page size, in bytes, that the reached programs load on"),
    ("cuda.major", Merge.MAX, "CUDA major version of the libraries in use, an integer; the highest of several"),
    ("cuda.toolkit", Merge.MAX, "CUDA toolkit of device code, libraries and packages, the newest of several: `12.9`"),
    ("cuda.driver.min", Merge.MAX, "lowest NVIDIA driver that runs the image's CUDA: `525.60.13`"),
    ("cuda.sass", Merge.UNION, "compute capabilities with native code, without the dot: `75`, `90a`"),
    ("cuda.ptx", Merge.UNION, 'pairs of PTX target and PTX ISA version: `["120", "8.8"]`'),
    ("cuda.compute.min", Merge.SAME, "lowest compute capability covered: `5.0`"),
    ("cuda.compute.gaps", Merge.UNION, "compute capabilities above the lowest that no code covers: `10.x`"),
    ("rocm.major", Merge.MAX, "ROCm major version, an integer; the highest of several"),
    ("rocm.version", Merge.MAX, "ROCm release of the image's libraries and packages, the newest of several: `6.3`"),
    ("rocm.targets", Merge.UNION, "AMD GPU targets with code: `gfx90a`"),
    ("gpu.vendors", Merge.UNION, "vendors of GPUs the image has code for: `nvidia`, `amd`, `intel`"),
    ("mpi.family", Merge.SAME, "MPI ABI family: `MPICH`, `Open MPI`"),
    ("mpi.location", Merge.SAME, "`image` if the MPI library is in the image, `host` if programs expect it there"),
    ("mpi.vendor", Merge.SAME, "MPI implementation: `MPICH`, `Intel MPI`"),
    ("mpi.version", Merge.SAME, "MPI library version"),
    ("mpi.soname", Merge.SAME, "soname of the MPI library: `libmpi.so.12`"),
    ("mpi.pmi", Merge.UNION, "process-management interfaces that the MPI library links, a list: `PMIx`, `PMI2`"),
    ("fabric.ucx", Merge.UNION, "UCX transports built into the image: `ib`, `cma`, `cuda`"),
    ("fabric.libfabric", Merge.UNION, "libfabric providers, separate or told by what libfabric needs: `efa`"),
    ("fabric.efa", Merge.SAME, "true when the image intends to use EFA"),
    ("kernel.modules", Merge.UNION, "kernel modules needed, underscored"),
    ("kernel.config", Merge.UNION, "kernel options needed, without `CONFIG_`"),
    ("kernel.release", Merge.SAME, "exact kernel release that modules in the image are built for"),
    ("kernel.version.min", Merge.MAX, "lowest kernel version"),
    ("kernel.hugepages", Merge.SAME, "true when the image's default path needs huge pages"),
    ("kernel.btf", Merge.SAME, "true when BPF programs in the image need the host's BTF"),
    ("accelerator.pci", Merge.UNION, "PCI vendors of accelerators the image has code for, four hex digits"),
)
