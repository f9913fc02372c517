"""Names of shared libraries, as detectors compare them."""

import posixpath
import re

from compatbuild.image.elf import ElfFacts

_MANGLED = re.compile(r"(lib[A-Za-z0-9_+.]+?)-[0-9a-f]{8}(\.so(?:\..*)?)")
"""What auditwheel makes of a bundled library's name: ``libcudart-256e6409.so.12.9.79`` (seen in PyPI wheels)."""


def normalised(soname: str) -> str:
    """Return a soname without the hash that repairing a wheel puts into it."""
    return _MANGLED.sub(r"\1\2", soname) if _MANGLED.fullmatch(soname) else soname


def own_name(path: str, elf: ElfFacts) -> str:
    """Return the name by which other files would need this one: its soname, else its file name."""
    return normalised(elf.soname or posixpath.basename(path))


def needed(elf: ElfFacts) -> tuple[str, ...]:
    """Return the normalised names of the libraries a file needs."""
    return tuple(normalised(name) for name in elf.needed)
