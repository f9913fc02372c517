"""Requirements as an author reads and writes them, before they become NFD expressions.

Each requirement is a mapping with one *subject* key (``kernel``, ``driver``, ``cpu`` …) and a few common ones. The same
shape stands in the JSON report, in a rendered template and in Python; ``compatbuild.inference.rules`` turns it into NFD
terms. Ranges are comma-separated comparisons, all of which must hold: ``">=5.10,<6.8"``.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from compatbuild.model.base import Model

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=100)]
Range = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Comment = Annotated[str, StringConstraints(max_length=2000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]+$", max_length=200)]
Hex4 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}$")]


class Requirement(Model):
    """What every requirement may carry besides its subject.

    ``id`` names it, so that templates can pick it out; ``comment`` becomes a YAML comment above its expressions.
    """

    id: Id = "author"
    comment: Comment = ""


class ArchitectureRequirement(Requirement):
    """The CPU architecture, by its OCI name."""

    architecture: Literal["amd64", "arm64", "ppc64le", "s390x"]


class CpuRequirement(Requirement):
    """An x86-64 level (``x86-64-v3``), or NFD CPU flags that must all be there (``AVX2``)."""

    cpu: Literal["x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4"] | Annotated[tuple[Name, ...], Field(min_length=1)]


class KernelRequirement(Requirement):
    """A range of kernel versions, compared by up to three numbers: ``">=5.10,<6.8"``."""

    kernel: Range


class KernelReleaseRequirement(Requirement):
    """Exact kernel releases, as ``uname -r`` prints them; any of them will do."""

    kernel_release: Annotated[tuple[Name, ...], Field(min_length=1)]


class FacilityRequirement(Requirement):
    """Something the kernel must be able to do: all these options compiled in or as a module.

    ``modules`` names the modules that show the facility too where a host's configuration cannot be read; one loaded or
    built-in module of them is enough.
    """

    facility: Annotated[tuple[Name, ...], Field(min_length=1)]
    modules: tuple[Name, ...] = ()


class ConfigRequirement(Requirement):
    """Kernel options (without ``CONFIG_``) with the values allowed for each; an empty tuple means "not set"."""

    config: Annotated[dict[Name, tuple[str, ...]], Field(min_length=1)]


class ModuleRequirement(Requirement):
    """Kernel modules, any of which must be loaded (``loaded``) or loaded or built in (``enabled``)."""

    module: Annotated[tuple[Name, ...], Field(min_length=1)]
    state: Literal["loaded", "enabled"] = "loaded"


class PciRequirement(Requirement):
    """A PCI device of one of these vendors; classes are prefixes of hex digits (``03``), devices exact ids."""

    pci: Annotated[tuple[Hex4, ...], Field(min_length=1)]
    classes: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2,4}$")], ...] = ()
    devices: tuple[Hex4, ...] = ()


class DriverRequirement(Requirement):
    """A range of GPU driver versions.

    ``when`` is ``present`` for an accelerator that the image uses if there is one (a host without it passes), or
    ``always`` when the image cannot do without it.
    """

    driver: Range
    gpu: Literal["nvidia"] = "nvidia"
    when: Literal["present", "always"] = "present"


class ComputeRequirement(Requirement):
    """A lowest CUDA compute capability; hosts that do not label their GPU pass unless ``when`` is ``always``."""

    compute: Range
    when: Literal["present", "always"] = "present"


class HugepagesRequirement(Requirement):
    """Huge pages: ``any``, or a range of page *counts* for each page size (``2Mi``, ``1Gi``)."""

    hugepages: Literal["any"] | Annotated[dict[Name, Range], Field(min_length=1)]


class NfdRequirement(Requirement):
    """One NFD expression, verbatim, for what no other subject says."""

    nfd: str
    name: str = ""
    op: str
    value: tuple[str, ...] = ()
    type: Literal["", "version"] = ""


class AlternativesRequirement(Requirement):
    """Branches of requirements; all of at least one branch must hold."""

    any: Annotated[tuple[Annotated[tuple["AnyRequirement", ...], Field(min_length=1)], ...], Field(min_length=1)]


SUBJECTS: dict[str, type[Requirement]] = {
    "architecture": ArchitectureRequirement,
    "cpu": CpuRequirement,
    "kernel": KernelRequirement,
    "kernel_release": KernelReleaseRequirement,
    "facility": FacilityRequirement,
    "config": ConfigRequirement,
    "module": ModuleRequirement,
    "pci": PciRequirement,
    "driver": DriverRequirement,
    "compute": ComputeRequirement,
    "hugepages": HugepagesRequirement,
    "nfd": NfdRequirement,
    "any": AlternativesRequirement,
}


def subject_of(value: Any) -> str | None:
    """Return the subject key of a requirement given as a mapping or a model, or None when there is not exactly one."""
    keys = value.keys() if isinstance(value, dict) else type(value).model_fields if isinstance(value, Model) else ()
    found = [key for key in SUBJECTS if key in keys]
    return found[0] if len(found) == 1 else None


AnyRequirement = Annotated[
    Annotated[ArchitectureRequirement, Tag("architecture")]
    | Annotated[CpuRequirement, Tag("cpu")]
    | Annotated[KernelRequirement, Tag("kernel")]
    | Annotated[KernelReleaseRequirement, Tag("kernel_release")]
    | Annotated[FacilityRequirement, Tag("facility")]
    | Annotated[ConfigRequirement, Tag("config")]
    | Annotated[ModuleRequirement, Tag("module")]
    | Annotated[PciRequirement, Tag("pci")]
    | Annotated[DriverRequirement, Tag("driver")]
    | Annotated[ComputeRequirement, Tag("compute")]
    | Annotated[HugepagesRequirement, Tag("hugepages")]
    | Annotated[NfdRequirement, Tag("nfd")]
    | Annotated[AlternativesRequirement, Tag("any")],
    Discriminator(
        subject_of,
        custom_error_type="requirement_subject",
        custom_error_message="a requirement has exactly one of the keys " + ", ".join(SUBJECTS),
    ),
]
"""Any requirement; which one is told by the subject key it has."""

AlternativesRequirement.model_rebuild()
