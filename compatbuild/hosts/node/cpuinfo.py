"""CPU flags and models by NFD's names, from /proc/cpuinfo.

Sources: klauspost/cpuid v2.4.0 ``cpuid.go`` (x86), node-feature-discovery v0.19.0 ``source/cpu/cpuid_linux_arm64.go``
(whose names are those of /proc/cpuinfo in capitals).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from compatbuild.nfd.catalogue import Kind, catalogue
from compatbuild.nfd.encodings import CPU, LEVEL_FLAGS

VENDORS = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "VIA",
}
"""Vendors as klauspost/cpuid calls them, by what the processor says."""

ZEN3, ZEN5 = 0x19, 0x1A  # AMD's CPU families of these generations
HASWELL = 60  # Intel's model of family 6 from which on AVX is not slow


@dataclass(frozen=True, slots=True)
class Processor:
    """The first processor of a machine: its fields, its flags as Linux calls them, and whether it is an x86 one."""

    fields: Mapping[str, str]
    flags: frozenset[str]
    x86: bool

    @property
    def vendor(self) -> str:
        """The vendor as klauspost/cpuid calls it."""
        return VENDORS.get(self.fields.get("vendor_id", ""), "VendorUnknown")

    def number(self, field: str) -> int:
        """Give a field that is a decimal number, 0 when it is none."""
        text = self.fields.get(field, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def parse_cpuinfo(text: str) -> Processor | None:
    """Read the first processor of /proc/cpuinfo; None when it is of a kind whose flags are not known here."""
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, _, value in lines}
    x86 = "flags" in fields and "vendor_id" in fields
    if not x86 and "Features" not in fields:
        return None
    return Processor(fields, frozenset(fields["flags" if x86 else "Features"].split()), x86)


def nfd_flags(processor: Processor) -> frozenset[str]:
    """Give the flags of a processor as NFD publishes them, as far as /proc/cpuinfo tells them."""
    if not processor.x86:
        return frozenset(flag.upper() for flag in processor.flags) & _published()
    table = _table()["flags"]
    named = [table[flag] for flag in processor.flags if flag in table]
    flags = {name for one in named for name in ([one] if isinstance(one, str) else one)} | {*_implied(processor)}
    return frozenset(flags | {*_levels(flags)})


def invisible(processor: Processor, flags: frozenset[str]) -> frozenset[str]:
    """Give the flags that the processor may have without /proc/cpuinfo showing them."""
    if not processor.x86:
        return frozenset()
    rows = _table()["invisible"]
    unknown = {*rows["all"], *(rows["AMD"] if processor.vendor in ("AMD", "Hygon") else ())}
    known = {"TSA_L1_NO", "TSA_SQ_NO"} if processor.number("cpu family") < ZEN3 else set()
    return frozenset(unknown - flags - known)


def _implied(processor: Processor) -> Iterator[str]:
    """Yield what klauspost/cpuid concludes from several facts."""
    family, model = processor.number("cpu family"), processor.number("model")
    threads, cores = processor.number("siblings"), processor.number("cpu cores")
    amd = processor.vendor == "AMD"
    if "ht" in processor.flags and processor.vendor in ("Intel", "AMD") and threads > cores > 0:
        yield "HTT"
    if "ibrs" in processor.flags and amd:
        yield "IBRS"
    if "avx" in processor.flags and processor.vendor == "Intel" and family == 6 and model < HASWELL:
        yield "AVXSLOW"
    if "avx" in processor.flags and amd and (family < 23 or (family == 23 and model < 49)):  # before Zen 2
        yield "AVXSLOW"
    if amd and (family < ZEN3 or (family == ZEN5 and (model <= 0x4F or 0x60 <= model <= 0x7F))):
        yield from ("TSA_L1_NO", "TSA_SQ_NO")


def _levels(flags: set[str]) -> Iterator[str]:
    """Yield the x86-64 levels whose flags, and those of the levels below, are all there."""
    for name, wanted in LEVEL_FLAGS.items():
        if flags.issuperset(wanted):
            yield name.upper().replace("-", "_")


@cache
def _table() -> dict[str, Any]:
    text = (files(__package__) / "cpu_flags.yaml").read_text(encoding="utf-8")
    rows: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    return rows


@cache
def _published() -> frozenset[str]:
    feature = catalogue().features[CPU]
    return frozenset(feature.kinds[Kind.FLAG].named)
