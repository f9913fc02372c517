"""Where the dynamic loader would find a library inside the image (ld.so(8), and musl's path file)."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import FileInterest
from compatbuild.image.view import ImageView, Kind

FILES = (
    FileInterest("/etc/ld.so.conf"),
    FileInterest("/etc/ld.so.conf.d/*.conf"),
    FileInterest("/etc/ld-musl-*.path"),
)
MULTIARCH = {3: "i386-linux-gnu", 62: "x86_64-linux-gnu", 183: "aarch64-linux-gnu", 21: "powerpc64le-linux-gnu"}
"""Debian's multiarch directory names by e_machine (wiki.debian.org/Multiarch/Tuples); 22 is s390x."""


@dataclass(frozen=True)
class LibrarySearch:
    """The search path of one image's loader."""

    view: ImageView

    @cached_property
    def _configured(self) -> tuple[str, ...]:
        """Directories of ld.so.conf and its includes, and of musl's path file, in reading order."""
        lines = []
        for path in sorted(self.view.files):
            if path == "/etc/ld.so.conf" or path.startswith(("/etc/ld.so.conf.d/", "/etc/ld-musl-")):
                lines += self.view.files[path].decode("utf-8", "replace").replace(":", "\n").splitlines()
        return tuple(line.strip() for line in lines if line.strip().startswith("/"))

    def _directories(self, path: str, elf: ElfFacts, main: ElfFacts, main_path: str) -> Iterator[str]:
        if not elf.runpath:
            yield from _expand(elf.rpath, path, elf)
            if not main.runpath:
                yield from _expand(main.rpath, main_path, main)
        library_path = self.view.config.environment.get("LD_LIBRARY_PATH", "")
        yield from (entry for entry in library_path.split(":") if entry.startswith("/"))
        yield from _expand(elf.runpath, path, elf)
        yield from self._configured
        names = ("lib64", "lib") if elf.bits == 64 else ("lib", "lib32")
        triplet = MULTIARCH.get(elf.machine) or ("s390x-linux-gnu" if elf.machine == 22 else "")
        for prefix in ("/", "/usr", "/usr/local"):
            if triplet:
                yield posixpath.join(prefix, "lib", triplet)
            yield from (posixpath.join(prefix, name) for name in names)

    def find(self, soname: str, path: str, elf: ElfFacts, main: ElfFacts, main_path: str) -> str | None:
        """Return the real path that satisfies ``soname`` for the object at ``path``, or None.

        A library of another machine or word size does not satisfy it; the loader goes on looking, as here.
        """
        places = [""] if "/" in soname else self._directories(path, elf, main, main_path)
        for directory in places:
            found = self.view.resolve(posixpath.join(directory, soname))
            if found is None or self.view.nodes[found].kind is not Kind.FILE:
                continue
            facts = self.view.elves.get(found)
            if facts is not None and (facts.machine, facts.bits) == (elf.machine, elf.bits):
                return found
        return None


def _expand(entries: tuple[str, ...], path: str, elf: ElfFacts) -> Iterator[str]:
    """Replace the loader's tokens in RPATH and RUNPATH entries; relative entries are left out."""
    lib = "lib64" if elf.bits == 64 else "lib"
    for entry in entries:
        text = entry
        for token, value in (("ORIGIN", posixpath.dirname(path)), ("LIB", lib), ("PLATFORM", "")):
            text = text.replace(f"${{{token}}}", value).replace(f"${token}", value)
        if text.startswith("/"):
            yield text
