"""One file's use of a vendor's GPUs, and what the uses in an image make of each other."""

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import translate
from functools import cached_property
from typing import TypeVar

from compatbuild.detectors._sonames import normalised
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.accelerators import Accelerators
from compatbuild.knowledge.rows import Row, Table
from compatbuild.model.finding import Confidence

V = TypeVar("V")

_MAX_PARTS = 8
"""Parts of a name taken off its end in the search for a known one; repaired wheels add at most four."""


class Vendor(StrEnum):
    """Vendors of GPUs, as the fact ``gpu.vendors`` names them."""

    NVIDIA = "nvidia"
    AMD = "amd"
    INTEL = "intel"


@dataclass(frozen=True, slots=True)
class GpuUse:
    """One file's use of a vendor's GPUs.

    ``major`` is that of CUDA or ROCm, 0 where there is none or it is not known. ``runtime`` says that the file is a
    library of the vendor's own; ``bare``, that it asks for one, which another file must be; ``hard``, that a program
    which is sure to run is not loaded without that; ``aside``, that all this is middleware's, which serves programs
    that use no GPU as well.
    """

    vendor: Vendor
    path: str
    use: Use
    major: int = 0
    runtime: bool = False
    bare: bool = False
    hard: bool = False
    aside: bool = False

    def weakened(self) -> "GpuUse":
        """Return the same as a hint."""
        return replace(self, use=replace(self.use, confidence=Confidence.HINT))


@dataclass(frozen=True)
class Middleware:
    """What uses a GPU only if there is one: MPI, UCX, hwloc, the plug-ins of compilers."""

    view: DetectorView
    knowledge: Accelerators

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile("|".join(map(translate, self.knowledge.middleware)))

    def is_one(self, path: str) -> bool:
        """Say whether a file is middleware, by its name."""
        return self._names.match(posixpath.basename(path)) is not None

    def serves(self, path: str) -> bool:
        """Say whether a file is middleware, or the default program comes to it through middleware alone."""
        reach = self.view.reach(path)
        return any(map(self.is_one, reach.chain if reach else (path,)))

    def confidence(self, path: str, ceiling: Confidence) -> Confidence:
        """Return how sure it is that a file is used for what it links; for middleware that is a hint."""
        return weakest(self.view.confidence(path, ceiling), Confidence.HINT if self.serves(path) else ceiling)


class Asked:
    """Finds the libraries that a file needs among some known ones; most files need none of them, and cost little."""

    def __init__(self, *tables: Iterable[str]) -> None:
        self._beginnings = tuple({name.partition(".so")[0] for table in tables for name in table})

    def of(self, elf: ElfFacts) -> tuple[str, ...]:
        """Return the needed names that begin as known ones do, without the hash that repairing a wheel puts in."""
        return tuple(normalised(name) for name in elf.needed if name.startswith(self._beginnings))

    def own(self, path: str, elf: ElfFacts) -> str:
        """Return the name by which others would need a file if that begins as known ones do, else nothing."""
        name = elf.soname or posixpath.basename(path)
        return normalised(name) if name.startswith(self._beginnings) else ""


def known(soname: str, table: Table[str, V]) -> Row[V] | None:
    """Return what is known of a soname; repairing a wheel may have made it longer (``libcublas.so.12.9.1.4``)."""
    for _ in range(_MAX_PARTS):
        if soname in table:
            return table[soname]
        soname = soname.rpartition(".")[0]
    return None


def settled(uses: Iterable[GpuUse]) -> tuple[GpuUse, ...]:
    """Weaken uses of what an image carries and nobody is seen to load.

    A package may have one variant of its library for every vendor and every major version, and load whichever finds its
    runtime: what asks for a runtime that is not in the image is idle beside others that are, or that the same directory
    asks for. This is decided among vendors, then among the majors of each.
    """
    among_vendors = _settled(_served(uses), lambda use: use.vendor)
    by_vendor = [[use for use in among_vendors if use.vendor is vendor] for vendor in Vendor]
    return tuple(use for group in by_vendor for use in _settled(group, lambda use: use.major))


def _served(uses: Iterable[GpuUse]) -> list[GpuUse]:
    """Put aside the runtimes that only middleware asks for."""
    every = list(uses)
    asked = {(use.vendor, use.major) for use in every if use.bare}
    served = asked - {(use.vendor, use.major) for use in every if use.bare and not use.aside}
    return [
        replace(use.weakened(), aside=True) if (use.vendor, use.major) in served and not use.bare else use
        for use in every
    ]


def _settled(uses: Sequence[GpuUse], kind: Callable[[GpuUse], Vendor | int]) -> list[GpuUse]:
    """Weaken variants among uses of several kinds; kind 0 is unknown, and stays out of it."""
    own = [use for use in uses if kind(use) and not use.aside]
    present = {kind(use) for use in own if not use.bare}
    asked: dict[str, set[Vendor | int]] = {}
    for use in own:
        asked.setdefault(posixpath.dirname(use.path), set()).add(kind(use))

    def idle(use: GpuUse) -> bool:
        absent = use.bare and bool(kind(use)) and kind(use) not in present
        rivals = present or asked.get(posixpath.dirname(use.path), set()) - {kind(use)}
        return absent and bool(rivals) and not (use.hard or use.aside)

    return [use.weakened() if idle(use) else use for use in uses]
