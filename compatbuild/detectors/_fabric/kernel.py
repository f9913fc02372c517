"""What a row asks of the kernel, as a requirement and as facts."""

from pydantic import JsonValue

from compatbuild.knowledge.fabric import KernelSide
from compatbuild.model.requirement import FacilityRequirement, ModuleRequirement


def requirement(side: KernelSide) -> FacilityRequirement | ModuleRequirement:
    """Return the need for a facility of the kernel, or for a loaded module from outside it."""
    if side.options:
        return FacilityRequirement(facility=side.options, modules=side.modules)
    return ModuleRequirement(module=side.modules)


def facts(side: KernelSide) -> dict[str, JsonValue]:
    """Return the facts of such a need, once it is more than a hint; of several modules any will do, so none is told."""
    options: dict[str, JsonValue] = {"kernel.config": list(side.options)} if side.options else {}
    modules: dict[str, JsonValue] = {"kernel.modules": list(side.modules)} if len(side.modules) == 1 else {}
    return options | modules
