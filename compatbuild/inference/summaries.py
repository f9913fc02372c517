"""Requirements in a few words, for descriptions and comments."""

from collections.abc import Iterable
from functools import singledispatch

from compatbuild.model import requirement as model

_WHERE = {"present": " where there is a GPU", "always": ""}
_STATES = {"loaded": "loaded", "enabled": "loaded or built in"}


@singledispatch
def summary(requirement: model.Requirement) -> str:
    """Sum up a requirement on one line: ``kernel >=5.10``, ``kernel module i915 or xe loaded``."""
    return type(requirement).__name__


@summary.register
def _architecture(requirement: model.ArchitectureRequirement) -> str:
    return f"architecture {requirement.architecture}"


@summary.register
def _cpu(requirement: model.CpuRequirement) -> str:
    level = requirement.cpu
    return f"CPU level {level}" if isinstance(level, str) else f"CPU with {_and(level)}"


@summary.register
def _kernel(requirement: model.KernelRequirement) -> str:
    return f"kernel {requirement.kernel}"


@summary.register
def _kernel_release(requirement: model.KernelReleaseRequirement) -> str:
    return f"kernel release {_or(requirement.kernel_release)}"


@summary.register
def _facility(requirement: model.FacilityRequirement) -> str:
    return f"kernel facility {_and(requirement.facility)}"


@summary.register
def _config(requirement: model.ConfigRequirement) -> str:
    return "; ".join(_option(name, values) for name, values in sorted(requirement.config.items()))


@summary.register
def _module(requirement: model.ModuleRequirement) -> str:
    return f"kernel module {_or(requirement.module)} {_STATES[requirement.state]}"


@summary.register
def _pci(requirement: model.PciRequirement) -> str:
    classes = f", class {_or(requirement.classes)}" if requirement.classes else ""
    devices = f", device {_or(requirement.devices)}" if requirement.devices else ""
    return f"PCI device of vendor {_or(requirement.pci)}{classes}{devices}"


@summary.register
def _driver(requirement: model.DriverRequirement) -> str:
    return f"{requirement.gpu.upper()} driver {requirement.driver}{_WHERE[requirement.when]}"


@summary.register
def _compute(requirement: model.ComputeRequirement) -> str:
    return f"CUDA compute capability {requirement.compute}{_WHERE[requirement.when]}"


@summary.register
def _hugepages(requirement: model.HugepagesRequirement) -> str:
    pages = requirement.hugepages
    if isinstance(pages, str):
        return "huge pages"
    return f"huge pages: {'; '.join(f'{pages[size]} of {size}' for size in sorted(pages))}"


@summary.register
def _verbatim(requirement: model.NfdRequirement) -> str:
    words = (requirement.nfd, requirement.name, requirement.op, ", ".join(requirement.value))
    return " ".join(word for word in words if word)


@summary.register
def _alternatives(requirement: model.AlternativesRequirement) -> str:
    return " or ".join(sorted(f"({'; '.join(sorted(map(summary, way)))})" for way in requirement.any))


def _option(name: str, values: Iterable[str]) -> str:
    allowed = _or(values)
    return f"kernel option {name} = {allowed}" if allowed else f"kernel option {name} not set"


def _and(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _or(names: Iterable[str]) -> str:
    return " or ".join(sorted(set(names)))
