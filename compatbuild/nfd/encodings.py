"""How a need is said in NFD's features, so that no host gets an error and each gets the right answer.

Sources: node-feature-discovery v0.19.0 (sources of the features), klauspost/cpuid v2.4.0 (x86-64 levels),
NVIDIA/k8s-device-plugin ``docs/gpu-feature-discovery/README.md`` (labels of GPUs).
"""

import re
from collections.abc import Iterable

from compatbuild.errors import SpecError
from compatbuild.nfd.conditions import Check, Condition, absent, any_name, compares, exists
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Interval, Range, Version

CPU = "cpu.cpuid"
KERNEL = "kernel.version"
CONFIG = "kernel.config"
LOADED = "kernel.loadedmodule"
ENABLED = "kernel.enabledmodule"
LABEL = "local.label"
HUGEPAGES = "memory.hugepages"
DRIVER_VERSION = "nvidia.com/cuda.driver-version.full"
COMPUTE_MAJOR = "nvidia.com/gpu.compute.major"
COMPUTE_MINOR = "nvidia.com/gpu.compute.minor"

ARCHITECTURE_FLAGS = {"amd64": "SSE2", "arm64": "ASIMD", "ppc64le": "PPC64", "s390x": "ZARCH"}
"""A CPU flag that every processor of an architecture has and no other; NFD does not publish the architecture."""

_V1 = ("SSE2",)
_V2 = (*_V1, "CX16", "LAHF", "POPCNT", "SSE3", "SSE4", "SSE42", "SSSE3")
_V3 = (*_V2, "AVX", "AVX2", "BMI1", "BMI2", "F16C", "FMA3", "LZCNT", "MOVBE", "OSXSAVE")
_V4 = (*_V3, "AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL")
LEVEL_FLAGS = {"x86-64-v1": _V1, "x86-64-v2": _V2, "x86-64-v3": _V3, "x86-64-v4": _V4}
"""The flags of each x86-64 level by NFD's names. SSE2 stands for the rest of the baseline, which no x86-64 CPU lacks.

NFD v0.19 also publishes ``X86_64_V3`` and its like, made from these same flags; asking for the flags gives the same
verdict there, and the right one on older NFDs, without an alternative that doubles every rule (docs/adr/0003).
"""

Alternatives = tuple[tuple[Condition, ...], ...]
"""Any of these, each a list of conditions that must all hold."""


def architecture(name: str) -> Condition:
    """Ask for an architecture by its OCI name, one of ``ARCHITECTURE_FLAGS``."""
    return exists(CPU, ARCHITECTURE_FLAGS[name])


def cpu_flags(names: Iterable[str]) -> tuple[Condition, ...]:
    """Ask for all of some CPU flags, by NFD's names."""
    return tuple(exists(CPU, name) for name in sorted(set(names)))


def kernel_range(range_: Range) -> Condition:
    """Ask for a range of kernel versions, in a way that is right for the release of every distribution."""
    return compares(KERNEL, "full", "InRegexp", version_pattern(range_))


def kernel_release(releases: Iterable[str]) -> Condition:
    """Ask for one of some exact releases, which NFD publishes cleaned: foreign characters as ``_``, ends trimmed."""
    cleaned = {re.sub(r"[^-A-Za-z0-9_.]", "_", release).strip("-_.") for release in releases}
    return compares(KERNEL, "full", "In", *sorted(cleaned))


def kernel_option(name: str, values: Iterable[str]) -> Condition:
    """Ask for one of some values of a kernel option; without values, that the option be not set."""
    option, allowed = name.removeprefix("CONFIG_"), sorted(set(values), key=lambda value: (value != "y", value))
    return compares(CONFIG, option, "In", *allowed) if allowed else absent(CONFIG, option)


def module_loaded(names: Iterable[str]) -> Condition:
    """Ask for one of some loaded modules; the kernel lists them with underscores only."""
    return any_name(LOADED, (name.replace("-", "_") for name in names))


def module_enabled(names: Iterable[str]) -> Condition:
    """Ask for one of some modules, loaded or built in; built-in ones keep the hyphens of their file names."""
    spellings = ((name, name.replace("-", "_"), name.replace("_", "-")) for name in names)
    return any_name(ENABLED, (spelling for each in spellings for spelling in each))


def module_not_loaded(name: str) -> Condition:
    """Ask that a module be not loaded."""
    return absent(LOADED, name.replace("-", "_"))


def pci_device(vendors: Iterable[str], classes: Iterable[str], devices: Iterable[str]) -> Condition:
    """Ask for one PCI device of these vendors, class prefixes and device ids; empty ones leave it open."""
    prefixes, ids = sorted(set(classes)), sorted(set(devices))
    checks = [Check("vendor", "In", tuple(sorted(set(vendors))))]
    if prefixes:
        checks.append(Check("class", "InRegexp", tuple(f"^{prefix}" for prefix in prefixes)))
    if ids:
        checks.append(Check("device", "In", tuple(ids)))
    return Condition("pci.device", tuple(checks))


def driver_in(range_: Range) -> Alternatives:
    """Ask for a range of NVIDIA driver versions by the label of GPU feature discovery, which parses as a version."""
    return tuple(_versions(DRIVER_VERSION, interval) for interval in range_.intervals)


def compute_in(range_: Range) -> Alternatives:
    """Ask for a range of CUDA compute capabilities by their two labels; SpecError when it names a third number."""
    _only(range_, 2, "a compute capability has two numbers, such as 8.6")
    return tuple(block for interval in range_.intervals for block in _capabilities(interval))


def hugepages_enabled() -> Condition:
    """Ask for huge pages of any size."""
    return compares(HUGEPAGES, "enabled", "IsTrue")


def hugepages_in(size: str, range_: Range) -> Alternatives:
    """Ask for a range of numbers of pages of one size (``2Mi``); SpecError when a number is not whole."""
    _only(range_, 1, "pages are counted in whole numbers")
    ends = [(each.low[0], None if each.high is None else each.high[0] - 1) for each in range_.intervals]
    return tuple((_between(HUGEPAGES, f"hugepages-{size}", low, high),) for low, high in ends)


def _only(range_: Range, count: int, why: str) -> None:
    if any(len(comparison.numbers) > count for comparison in range_.comparisons):
        raise SpecError(f"{range_} names too many numbers", why=why, remedy="leave the others out")


def _versions(label: str, interval: Interval) -> tuple[Condition, ...]:
    """Ask for an interval of versions: two conditions, or one where its last version is known."""

    def ask(op: str, *versions: Version) -> Condition:
        return compares(LABEL, label, op, *map(_text, versions), type_="version")

    if interval.high is None:
        return (ask("Ge", interval.low),)
    major, minor, patch = interval.high
    if patch:
        return (ask("GeLe", interval.low, (major, minor, patch - 1)),)
    return (ask("Ge", interval.low), ask("Lt", interval.high)) if any(interval.low) else (ask("Lt", interval.high),)


def _text(version: Version) -> str:
    major, minor, patch = version
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}" if minor else str(major)


def _capabilities(interval: Interval) -> list[tuple[Condition, ...]]:
    """Split an interval into blocks: the rest of its first major version, whole ones, the start of its last."""
    (first, least, _), high = interval.low, interval.high
    if high is not None and high[0] == first:
        return [(_major(first, first), _minor(least, high[1] - 1))]
    blocks: list[tuple[Condition, ...]] = [(_major(first, first), _minor(least, None))] if least else []
    start, end = first + bool(least), None if high is None else high[0] - 1
    if end is None or start <= end:
        blocks.append((_major(start, end),))
    if high is not None and high[1]:
        blocks.append((_major(high[0], high[0]), _minor(0, high[1] - 1)))
    return blocks


def _major(low: int, high: int | None) -> Condition:
    return _between(LABEL, COMPUTE_MAJOR, low, high)


def _minor(low: int, high: int | None) -> Condition:
    return _between(LABEL, COMPUTE_MINOR, low, high)


def _between(feature: str, name: str, low: int, high: int | None) -> Condition:
    """Ask for a whole number between two; NFD takes no range of one number, and needs no lower end at zero."""

    def ask(op: str, *ends: int) -> Condition:
        return compares(feature, name, op, *map(str, ends))

    if high is None:
        return ask("Ge", low)
    if low == high:
        return ask("In", low)
    return ask("GeLe", low, high) if low else ask("Le", high)
