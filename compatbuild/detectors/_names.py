"""Names of files and libraries in tables of knowledge, some with ``*`` in them."""

import posixpath
import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

from compatbuild.detectors._sonames import needed, own_name
from compatbuild.image.elf import ElfFacts

_LIBRARY = re.compile(r"(.+\.so\.\d+)(?:\.\d+)*")


class Names:
    """Tells which of some names, ``*`` allowed in them, a file bears."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names; among several that fit the first one counts."""
        self._names = tuple(names)
        self._any = re.compile("|".join(f"({translate(name)})" for name in self._names) or r"(?!)")

    def of(self, path: str) -> str:
        """Return the name that fits the file at ``path``, an empty string if none does."""
        match = self._any.match(posixpath.basename(path))
        return self._names[match.lastindex - 1] if match and match.lastindex else ""


def asked_of(elf: ElfFacts) -> set[str]:
    """Return the libraries a file needs by the names tables use: ``libibverbs.so.1`` of ``libibverbs.so.1.14.48``."""
    return {interface(name) for name in needed(elf)}


def answers_to(path: str, elf: ElfFacts) -> str:
    """Return the name by which other files would ask for this one, as tables use it."""
    return interface(own_name(path, elf))


@lru_cache(maxsize=65_536)
def interface(soname: str) -> str:
    """Return a soname up to its first number, which is that of the interface; repairing a wheel adds the others."""
    match = _LIBRARY.fullmatch(soname)
    return match[1] if match else soname
