"""Which compute capabilities a piece of CUDA device code runs on.

Native code for X.Y runs on X.z with z >= Y; with the suffix ``a`` on X.Y only, with ``f`` on its family. PTX without a
suffix is compiled by the driver for any capability from X.Y on; a suffix binds it as it binds native code. (CUDA C++
Programming Guide, chapter on compute capabilities; NVIDIA's ptxas; checked with cuobjdump on 47 files.)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from compatbuild.image.elf import DeviceCode
from compatbuild.knowledge.cuda import Cuda
from compatbuild.knowledge.rows import Row

_TARGET = re.compile(r"(\d{2,4})([af]?)")


def number(target: str) -> int:
    """Return the number of a target, 0 for one that cannot be read."""
    match = _TARGET.fullmatch(target)
    return int(match[1]) if match else 0


def dotted(capability: int) -> str:
    """Return ``9.0`` for 90."""
    return f"{capability // 10}.{capability % 10}"


def covered(code: Iterable[DeviceCode], cuda: Cuda) -> frozenset[int]:
    """Return the known capabilities that some device code runs on."""
    targets = {(one.kind, one.target) for one in code}
    return frozenset(
        capability for capability in cuda.capabilities if any(_runs(kind, t, capability, cuda) for kind, t in targets)
    )


def lowest(code: Iterable[DeviceCode], cuda: Cuda) -> int:
    """Return the lowest capability that some device code runs on, known or not."""
    return min(_renamed(number(one.target), cuda) for one in code)


def gaps(code: Iterable[DeviceCode], cuda: Cuda) -> tuple[str, ...]:
    """Return the known capabilities above the lowest that no code covers: ``10.x`` for a whole generation."""
    every = list(code)
    reached, floor = covered(every, cuda), lowest(every, cuda)
    above = [capability for capability in sorted(cuda.capabilities) if capability > floor]
    missing: dict[str, None] = {}
    for capability in above:
        if capability not in reached:
            generation = [other for other in cuda.capabilities if other // 10 == capability // 10]
            whole = not reached.intersection(generation)
            missing[f"{capability // 10}.x" if whole else dotted(capability)] = None
    return tuple(missing)


@dataclass(frozen=True, slots=True)
class JitDriver:
    """The oldest driver that compiles PTX of some ISA version, and the rows that say so."""

    version: str
    isa: str
    rows: tuple[Row[Any], ...]


def jit_drivers(code: Iterable[DeviceCode], cuda: Cuda) -> dict[int, JitDriver]:
    """Return the capabilities that only PTX covers, each with the driver that it takes.

    A driver knows the PTX of the CUDA release it reports. Where the driver in that release's installer is not known,
    the first driver branch that reports it stands for it. ISA versions of unknown releases are left out.
    """
    every = list(code)
    native = covered([one for one in every if one.kind == "sass"], cuda)
    found: dict[int, JitDriver] = {}
    for one in every:
        driver = _jit_driver(one.isa, cuda) if one.kind == "ptx" else None
        for capability in covered([one], cuda) - native if driver else ():
            known = found.get(capability)
            if driver and (known is None or _numbers(driver.version) < _numbers(known.version)):
                found[capability] = driver
    return found


def _jit_driver(isa: str, cuda: Cuda) -> JitDriver | None:
    toolkit = cuda.ptx_toolkits.get(isa)
    if toolkit is None:
        return None
    if row := cuda.toolkit_drivers.get(toolkit.value):
        return JitDriver(row.value, isa, (toolkit, row))
    branch = cuda.branches.get(toolkit.value)
    return JitDriver(str(branch.value), isa, (toolkit, branch)) if branch else None


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(".")]


def _runs(kind: str, target: str, capability: int, cuda: Cuda) -> bool:
    match = _TARGET.fullmatch(target)
    if match is None:
        return False
    built, suffix = _renamed(int(match[1]), cuda), match[2]
    if suffix == "a":
        return capability == built
    if kind == "ptx" and not suffix:
        return capability >= built
    return capability // 10 == built // 10 and capability >= built


def _renamed(capability: int, cuda: Cuda) -> int:
    row = cuda.renamed_capabilities.get(capability)
    return row.value if row else capability
