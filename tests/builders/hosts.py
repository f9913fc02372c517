"""Hosts as NFD sees them, built from the few facts a test is about."""

from collections.abc import Iterable, Mapping, Sequence

from compatbuild.nfd.encodings import COMPUTE_MAJOR, COMPUTE_MINOR, DRIVER_VERSION, LEVEL_FLAGS
from compatbuild.nfd.features import Features


def host(
    *,
    level: str = "x86-64-v3",
    flags: Iterable[str] = (),
    release: str = "5.14.0-427.13.1.el9_4.x86_64",
    config: Mapping[str, str] | None = None,
    loaded: Iterable[str] = (),
    builtin: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
    pci: Sequence[Mapping[str, str]] = (),
    hugepages: Mapping[str, str] | None = None,
) -> Features:
    """Give the features of an x86-64 host with NFD 0.19; without ``config`` its kernel configuration is unreadable."""
    levels = [name for name in LEVEL_FLAGS if name <= level]
    cpu = {name.upper().replace("-", "_") for name in levels} | set(LEVEL_FLAGS[level] if levels else ()) | set(flags)
    attributes: dict[str, Mapping[str, str]] = {
        "kernel.version": {"full": release},
        "local.label": dict(labels or {}),
        "memory.hugepages": dict(hugepages or {"enabled": "false"}),
    }
    if config is not None:
        attributes["kernel.config"] = dict(config)
    modules = frozenset(loaded)
    return Features(
        flags={
            "cpu.cpuid": frozenset(cpu),
            "kernel.loadedmodule": modules,
            "kernel.enabledmodule": modules | frozenset(builtin),
        },
        attributes=attributes,
        instances={"pci.device": tuple(pci)},
    )


def gpu_labels(driver: str = "", compute: str = "") -> dict[str, str]:
    """Give the labels that GPU feature discovery writes for a driver version and a compute capability."""
    labels = {DRIVER_VERSION: driver} if driver else {}
    if compute:
        labels[COMPUTE_MAJOR], labels[COMPUTE_MINOR] = compute.split(".")
    return labels
