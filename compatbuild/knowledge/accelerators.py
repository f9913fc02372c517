"""What is known of accelerators other than NVIDIA GPUs: the classes behind ``accelerators.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model
from compatbuild.model.requirement import Hex4


class Device(Model):
    """A kind of accelerator, as a host shows it.

    ``classes`` are prefixes of PCI classes in hex digits and ``devices`` PCI ids, both empty where the vendor's id says
    enough; ``modules`` its kernel modules, any of which will do; ``advice`` a sentence on what else to see to.
    """

    title: str
    vendor: Hex4
    classes: tuple[str, ...] = ()
    devices: tuple[Hex4, ...] = ()
    modules: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Accelerators:
    """GPUs of AMD and Intel, NPUs, TPUs and the like."""

    devices: Table[str, Device]
    libraries: Table[str, str]  # soname, or file name, of a user-space library → device
    host_libraries: Table[str, str]  # soname of a library that comes with the host's driver → device
    level_zero: Table[str, str]  # soname by which programs ask for Intel GPUs and NPUs directly → what it is
    sycl: Table[str, str]  # soname of the runtime of SYCL programs → what it is
    sycl_targets: Table[str, str]  # target of SYCL device code → vendor of the GPUs that run it
    middleware: Table[str, str]  # file name (``*`` allowed) of what uses a GPU only if there is one → what it is
