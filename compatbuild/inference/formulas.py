"""What each kind of requirement asks of a host, as a formula of conditions."""

from collections.abc import Sequence
from functools import singledispatch

from compatbuild.inference.alternatives import Both, Choice, Either, Form, Formula, either
from compatbuild.model import requirement as model
from compatbuild.nfd import encodings
from compatbuild.nfd.conditions import Check, Condition, absent
from compatbuild.nfd.ranges import Range

# Ranks of weaker forms: what is given up first costs the fewest hosts. A host without the driver has no label of it
# either; a host whose configuration nobody can read is not that rare.
_UNLOADED_FORM, _MODULE_FORM = range(2)


@singledispatch
def formula(requirement: model.Requirement) -> Formula:
    """Give the formula of a requirement; those of alternatives are made by whoever holds all requirements.

    Raises SpecError when a range is not one, and TypeError for a kind of requirement nobody taught this module.
    """
    raise TypeError(f"no encoding of {type(requirement).__name__}")


@formula.register
def _architecture(requirement: model.ArchitectureRequirement) -> Formula:
    return encodings.architecture(requirement.architecture)


@formula.register
def _cpu(requirement: model.CpuRequirement) -> Formula:
    asked = requirement.cpu
    return Both(encodings.cpu_flags(asked if isinstance(asked, tuple) else encodings.LEVEL_FLAGS[asked]))


@formula.register
def _kernel(requirement: model.KernelRequirement) -> Formula:
    return encodings.kernel_range(Range.parse(requirement.kernel))


@formula.register
def _kernel_release(requirement: model.KernelReleaseRequirement) -> Formula:
    return encodings.kernel_release(requirement.kernel_release)


@formula.register
def _facility(requirement: model.FacilityRequirement) -> Formula:
    options = sorted(set(requirement.facility))
    configured = Both(tuple(encodings.kernel_option(option, ("y", "m")) for option in options))
    if not requirement.modules:
        return configured
    form = Form(_MODULE_FORM, f"{', '.join(options)} by modules, for hosts whose kernel configuration cannot be read")
    return Either((Choice(configured), Choice(encodings.module_enabled(requirement.modules), form)))


@formula.register
def _config(requirement: model.ConfigRequirement) -> Formula:
    options = sorted(requirement.config.items())
    return Both(tuple(encodings.kernel_option(name, values) for name, values in options))


@formula.register
def _module(requirement: model.ModuleRequirement) -> Formula:
    asks = {"loaded": encodings.module_loaded, "enabled": encodings.module_enabled}
    return asks[requirement.state](requirement.module)


@formula.register
def _pci(requirement: model.PciRequirement) -> Formula:
    return encodings.pci_device(requirement.pci, requirement.classes, requirement.devices)


@formula.register
def _driver(requirement: model.DriverRequirement) -> Formula:
    """Judge the driver by its label where the host has one: most hosts have none, and pass here."""
    in_range = encodings.driver_in(Range.parse(requirement.driver))
    judged: Sequence[Sequence[Condition]] = [[absent(encodings.LABEL, encodings.DRIVER_VERSION)], *in_range]
    if requirement.when == "always":
        return Both((encodings.module_loaded([requirement.gpu]), either(judged)))
    form = Form(_UNLOADED_FORM, f"the absence of the {requirement.gpu} driver beside the absence of its label")
    return Either((Choice(encodings.module_not_loaded(requirement.gpu), form), Choice(either(judged))))


@formula.register
def _compute(requirement: model.ComputeRequirement) -> Formula:
    blocks = encodings.compute_in(Range.parse(requirement.compute))
    if requirement.when == "always":
        return either(blocks)
    return either([[absent(encodings.LABEL, encodings.COMPUTE_MAJOR)], *blocks])


@formula.register
def _hugepages(requirement: model.HugepagesRequirement) -> Formula:
    pages = requirement.hugepages
    if isinstance(pages, str):
        return encodings.hugepages_enabled()
    ranges = [(size, Range.parse(pages[size])) for size in sorted(pages)]
    return Both(tuple(either(encodings.hugepages_in(size, range_)) for size, range_ in ranges))


@formula.register
def _verbatim(requirement: model.NfdRequirement) -> Formula:
    check = Check(requirement.name, requirement.op, requirement.value, requirement.type)
    return Condition(requirement.nfd, (check,))
