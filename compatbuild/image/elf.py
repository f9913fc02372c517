"""What an ELF file says about itself, read from a stream in one pass without keeping it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """One entry of a CUDA fatbin.

    ``kind`` is ``sass`` or ``ptx``; ``target`` the compute capability without its dot and with its suffix (``90a``);
    ``isa`` the PTX ISA version (``8.8``), empty for SASS; ``section`` the section that holds it, empty if unknown.
    """

    kind: str
    target: str
    isa: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class BpfObject:
    """An embedded BPF object: where it begins in the file, its program sections, and the bytes of CO-RE relocations."""

    offset: int
    programs: tuple[str, ...]
    core_relocations: int


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """The facts of one ELF file.

    ``machine`` is the e_machine number, ``bits`` 32 or 64. ``versions`` maps a needed library to the symbol versions
    asked of it. ``isa_needed`` is the x86 ISA bit mask of .note.gnu.property (bit 0 baseline, 1 v2, 2 v3, 3 v4).
    ``load_align`` is the smallest p_align of the PT_LOAD segments, 0 without any. ``abi_kernel`` is the kernel version
    of NT_GNU_ABI_TAG (``3.2.0``). ``device_code`` has no duplicates. ``hip`` holds the targets of HIP code
    (``gfx90a:xnack+``). ``go`` holds the build settings of a Go program (``GOAMD64``, and ``go`` for the Go version).
    ``markers`` maps the id of each marker found to the groups of its pattern. ``damaged`` says what could not be read,
    empty when all was.
    """

    machine: int
    bits: int
    type: int = 0
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    isa_needed: int = 0
    load_align: int = 0
    abi_kernel: str = ""
    device_code: tuple[DeviceCode, ...] = ()
    hip: tuple[str, ...] = ()
    bpf: tuple[BpfObject, ...] = ()
    go: Mapping[str, str] = field(default_factory=dict)
    markers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    damaged: str = ""
