"""Where the dynamic loader would find a library inside the image (ld.so(8), and musl's path file)."""

import posixpath
from collections.abc import Iterator
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


MAX_LOOKUPS = 200_000
"""Places looked at in one image; 10,000 libraries that need 10 others in a handful of directories stay below.

Without it, a hundred libraries with a thousand names and a search path of a thousand directories take an hour.
"""
MAX_DIRECTORIES = 500
"""Directories of one search path; those of a Nix store have fifty."""


class LibrarySearch:
    """The search path of one image's loader; ``limits`` says what was not looked for any more."""

    def __init__(self, view: ImageView) -> None:
        self.view = view
        self.limits: tuple[str, ...] = ()  # each text once
        self._lookups = 0
        self._real: dict[str, str | None] = {}  # directories as they are named, and where they are
        self._places: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}  # of an object and its main program
        self._numbers: dict[tuple[str, ...], int] = {}  # of search paths, which are too long to be compared often
        self._found: dict[tuple[int, str, int, int], str | None] = {}

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
        number, places = (-1, ("",)) if "/" in soname else self._existing(path, elf, main, main_path)
        key = (number, soname, elf.machine, elf.bits)
        if key not in self._found:
            self._found[key] = self._look(places, soname, elf)
        return self._found[key]

    def _existing(self, path: str, elf: ElfFacts, main: ElfFacts, main_path: str) -> tuple[int, tuple[str, ...]]:
        """Return the directories of an object's search path that are there, each once, with a number for them all."""
        known = self._places.get((path, main_path))
        if known is None:
            real: dict[str, None] = {}
            for count, directory in enumerate(self._directories(path, elf, main, main_path)):
                if count == MAX_DIRECTORIES:
                    self._cut(f"more than {MAX_DIRECTORIES} directories of one library search: the others are left out")
                    break
                if directory not in self._real:
                    self._real[directory] = self.view.resolve(directory)
                found = self._real[directory]
                if found is not None:
                    real[found] = None
            places = tuple(real)
            known = self._places[path, main_path] = (self._numbers.setdefault(places, len(self._numbers)), places)
        return known

    def _cut(self, text: str) -> None:
        if text not in self.limits:
            self.limits += (text,)

    def _look(self, places: tuple[str, ...], soname: str, elf: ElfFacts) -> str | None:
        for directory in places:
            self._lookups += 1
            if self._lookups > MAX_LOOKUPS:
                self._cut(f"more than {MAX_LOOKUPS:,} places of libraries: further ones are not followed")
                return None
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
