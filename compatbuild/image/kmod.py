"""Kernel modules: what a ``.ko`` file says of itself in its ``.modinfo`` section.

The section holds ``key=value`` texts that end with a zero byte: ``vermagic`` begins with the release of the kernel that
the module was built for, ``intree=Y`` is there if it was built with that kernel (Linux, ``include/linux/vermagic.h``
and ``scripts/mod/modpost.c``). Distributions compress modules with xz, zstd or gzip (``CONFIG_MODULE_COMPRESS``).
"""

import io
import posixpath
import re
from dataclasses import dataclass

from compatbuild.errors import ImageError
from compatbuild.image.decompress import decompressed
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import FileInterest, Marker
from compatbuild.image.limits import DEFAULT, MIB

SUFFIXES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")
COMPRESSED_MAX = 2 * MIB
"""Bytes kept of one compressed module; NVIDIA's driver has the largest, and says what it is by its directory too."""
READ_MAX = 32 * MIB
"""Decompressed bytes searched of one module."""

RELEASE = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
"""A release as ``uname -r`` prints it, which has room for 64 bytes (utsname(7), __NEW_UTS_LEN)."""

_RELEASE = rb"vermagic=([A-Za-z0-9_.+-]{1,64}) "
_GLOB = "/**/*.ko"
VERMAGIC = Marker("kmod.vermagic", b"vermagic=", _GLOB, _RELEASE)
IN_TREE = Marker("kmod.in-tree", b"intree=Y", _GLOB, rb"intree=Y\0")
MARKERS = (VERMAGIC, IN_TREE)
"""What to look for in modules that are not compressed."""

COMPRESSED = tuple(
    FileInterest(f"/**/lib/modules/*/{directory}/**{suffix}", COMPRESSED_MAX)
    for directory in ("extra", "updates")
    for suffix in SUFFIXES[1:]
)
"""Where compressed modules lie that did not come with the kernel (kmod, depmod.d(5); dkms(8))."""


@dataclass(frozen=True, slots=True)
class KernelModule:
    """One module: its ``name`` as lsmod prints it, the kernel ``release`` it is for, and whether it came with that."""

    name: str
    release: str
    in_tree: bool


def module_name(path: str) -> str:
    """Return the name of the module in a file, with the underscores by which the kernel lists it."""
    return posixpath.basename(path).partition(".ko")[0].replace("-", "_")


def from_elf(path: str, elf: ElfFacts) -> KernelModule | None:
    """Return the module that an ELF file is; None if it is none, or says no release."""
    release = elf.markers.get(VERMAGIC.id, ())
    return KernelModule(module_name(path), release[0], IN_TREE.id in elf.markers) if release else None


def from_compressed(path: str, content: bytes) -> KernelModule | None:
    """Return the module in a compressed file, of which the beginning is enough if that holds the release."""
    text = _decompressed(content)
    release = re.search(_RELEASE, text)
    if release is None:
        return None
    return KernelModule(module_name(path), release[1].decode("ascii"), b"intree=Y\0" in text)


def _decompressed(content: bytes) -> bytes:
    text = bytearray()
    try:
        for piece in decompressed(io.BytesIO(content), DEFAULT):
            text += piece
            if len(text) > READ_MAX:
                break
    except ImageError:  # it is cut, or damaged: what came before may be enough
        pass
    return bytes(text)
