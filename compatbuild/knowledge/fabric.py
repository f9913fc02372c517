"""What is known of high-speed networks: the class whose fields are the blocks of ``fabric.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model


class KernelSide(Model):
    """What serves user space in the kernel: ``options`` (all of them), or ``modules``, any of which shows it."""

    title: str
    options: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Helper(KernelSide):
    """A way around a copy: ``files`` (``*`` allowed) are names of files that use it, ``libraries`` sonames."""

    files: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fabric:
    """High-speed networks. Names of files are without their directory, and ``*`` is allowed in them."""

    efa_devices: Table[str, str]  # "PCI vendor:device" → what drives it
    efa_modules: Table[str, str]  # kernel module → what it is
    efa_plugins: Table[str, str]  # name of a library that is installed to use EFA → what it is
    efa_directories: Table[str, str]  # where EFA's own installer puts things → what is there
    providers: Table[str, KernelSide]  # libfabric's provider for hardware → what it works on
    libfabric_libraries: Table[str, str]  # soname that libfabric needs → provider that it was built with
    libfabric_users: Table[str, str]  # name of a file that obeys FI_PROVIDER → what it is
    rdma: Table[str, KernelSide]  # soname that a program needs → what serves it
    rdma_core: Table[str, str]  # name of a file of rdma-core itself → what it is
    rdma_middleware: Table[str, str]  # name of a file that does without → what it is
    helpers: Table[str, Helper]
