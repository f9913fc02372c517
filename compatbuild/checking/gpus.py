"""GPUs by the names people use, and what code runs on them.

Which product has which compute capability or gfx target is general knowledge here, not read from a list of the makers;
it agrees with the knowledge base where that names products, which grades them *believed* for NVIDIA. A verdict names
the capability it was decided for; whoever wants it to rest on nothing here gives the capability or the target itself
(``sm_90``, ``gfx90a``). The generic targets are those of LLVM's ``AMDGPUUsage``, as the knowledge base has them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from compatbuild.errors import UsageError

MAX_GPUS = 50  # of one call

_NVIDIA: Mapping[str, str] = {
    "6.0": "p100",
    "6.1": "p4 p40 gtx1080 gtx1080ti",
    "7.0": "v100",
    "7.2": "xavier",
    "7.5": "t4 rtx2080 rtx2080ti rtx6000",
    "8.0": "a100 a30",
    "8.6": "a2 a10 a10g a16 a40 a4000 a5000 a6000 rtxa6000 rtx3080 rtx3090",
    "8.7": "orin",
    "8.9": "l4 l40 l40s rtx4080 rtx4090 rtx6000ada",
    "9.0": "h100 h200 h800 h20 gh200",
    "10.0": "b100 b200 gb200",
    "10.3": "b300 gb300",
    "11.0": "thor",
    "12.0": "rtx5080 rtx5090 rtxpro6000",
    "12.1": "gb10",
}
_AMD: Mapping[str, str] = {
    "gfx900": "mi25",
    "gfx906": "mi50 mi60",
    "gfx908": "mi100",
    "gfx90a": "mi210 mi250 mi250x",
    "gfx942": "mi300a mi300x mi325x",
    "gfx950": "mi350x mi355x",
    "gfx1030": "w6800 rx6800 rx6800xt rx6900xt",
    "gfx1100": "w7900 rx7900xt rx7900xtx",
    "gfx1101": "w7700 rx7700xt rx7800xt",
    "gfx1102": "rx7600",
    "gfx1200": "rx9060xt",
    "gfx1201": "rx9070 rx9070xt",
}
_GENERIC: Mapping[str, str] = {
    "gfx9-generic": "gfx900 gfx902 gfx904 gfx906 gfx909 gfx90c",
    "gfx9-4-generic": "gfx940 gfx941 gfx942 gfx950",
    "gfx10-1-generic": "gfx1010 gfx1011 gfx1012 gfx1013",
    "gfx10-3-generic": "gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036",
    "gfx11-generic": "gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153",
    "gfx12-generic": "gfx1200 gfx1201",
}
_CAPABILITY = re.compile(r"(?:sm_?)?([0-9]{1,2})\.?([0-9])")
_TARGET = re.compile(r"gfx[0-9a-f]{3,4}")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: the name that was used, its vendor, and its compute capability (``9.0``) or LLVM target (``gfx942``)."""

    name: str
    vendor: str
    architecture: str


def _named() -> dict[str, Gpu]:
    tables = (("nvidia", _NVIDIA), ("amd", _AMD))
    return {
        name: Gpu(name, vendor, architecture)
        for vendor, table in tables
        for architecture, names in table.items()
        for name in names.split()
    }


GPUS: Mapping[str, Gpu] = _named()
"""GPUs by name, in lower case and without separators."""


def gpu(text: str) -> Gpu:
    """Return the GPU of a name (``H100``), a compute capability (``9.0``, ``sm_90``) or a target (``gfx942``).

    UsageError, with names that are near, when there is none.
    """
    plain = re.sub(r"[\s_-]|nvidia|amd|instinct|tesla|geforce|radeon", "", text.strip().lower()[:100])
    if plain in GPUS:
        return GPUS[plain]
    if match := _CAPABILITY.fullmatch(plain):
        return Gpu(text.strip(), "nvidia", f"{match[1]}.{match[2]}")
    if _TARGET.fullmatch(plain):
        return Gpu(plain, "amd", plain)
    near = get_close_matches(plain, GPUS, 3)
    raise UsageError(
        f"there is no GPU {text[:100]!r} here",
        why=f"{len(GPUS)} models are known by name",
        remedy=f"did you mean {', '.join(near)}?" if near else "name its compute capability (9.0) or target (gfx942)",
    )


def model(product: str) -> Gpu | None:
    """Return the GPU of a product name as drivers write it (``NVIDIA A100-SXM4-40GB``); None when it is not known."""
    words = re.split(r"[\s_-]+", product.lower()[:100])
    for length in (3, 2, 1):  # "rtx 6000 ada" before "rtx 6000"
        for start in range(len(words) - length + 1):
            if found := GPUS.get("".join(words[start : start + length])):
                return replace(found, name=product)
    return None


def gpus(text: str) -> tuple[Gpu, ...]:
    """Return the GPUs of a comma-separated list, each once; UsageError for one that is not known."""
    names = [name for name in text.split(",") if name.strip()]
    if len(names) > MAX_GPUS:
        raise UsageError(f"{len(names)} GPUs are too many", why=f"at most {MAX_GPUS} are checked", remedy="name fewer")
    return tuple(dict.fromkeys(map(gpu, names)))


def amd_code(target: str, built: Iterable[str]) -> str:
    """Return the target, of those that code was built for, that runs on a GPU; empty when none does.

    ``gfx90a:xnack+`` runs on a gfx90a that is in that mode; it is returned only when nothing else runs.
    """
    fitting = [one for one in built if target in (one.partition(":")[0], *_GENERIC.get(one, "").split())]
    return min(fitting, key=lambda one: ":" in one, default="")
