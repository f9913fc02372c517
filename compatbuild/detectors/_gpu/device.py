"""What asks a host for an accelerator: the PCI device, and the kernel module that drives it."""

from collections.abc import Iterator, Sequence

from compatbuild.knowledge.accelerators import Device
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, AnyRequirement, ModuleRequirement, PciRequirement


def pci(*devices: Device) -> AnyRequirement:
    """Ask for a PCI device of one of some kinds."""
    asked = [PciRequirement(pci=(each.vendor,), classes=each.classes, devices=each.devices) for each in devices]
    return asked[0] if len(asked) == 1 else AlternativesRequirement(any=tuple((one,) for one in asked))


def whole(device: Device) -> tuple[AnyRequirement, ...]:
    """Ask for a device and a module that drives it."""
    modules = (ModuleRequirement(module=device.modules),) if device.modules else ()
    return (pci(device), *modules)


def driver(
    identity: str, devices: Sequence[Device], confidence: Confidence, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    """Yield the need of a kernel module that drives one of some kinds of devices, if their modules are known."""
    modules = tuple(module for device in devices for module in device.modules)
    if modules:
        yield Finding(
            id=identity,
            title=f"The kernel module {' or '.join(modules)}",
            confidence=confidence,
            severity=Severity.REQUIRED,
            requirement=ModuleRequirement(module=modules),
            facts={"kernel.modules": list(modules)} if len(modules) == 1 else {},
            evidence=evidence,
        )
