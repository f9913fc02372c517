"""Platforms of image manifests, compared as containerd compares them."""

import re
from dataclasses import dataclass

from compatbuild.errors import UsageError

# containerd ``platforms/database.go``: other names of an architecture, and the variant that says nothing.
_ARCHITECTURES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_IMPLIED_VARIANTS = {"amd64": "v1", "arm64": "v8"}
_DEFAULT_VARIANTS = {"arm": "v7"}
_ARM_VARIANTS = {"5": "v5", "6": "v6", "7": "v7", "8": "v8"}
_SYSTEMS = {"macos": "darwin"}
_PART = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Platform:
    """``os/architecture[/variant]`` of a manifest; ``unknown`` stands for what is not an image to run.

    ``features`` are its ``os.features``, which tell variants for one platform apart and are no part of its name.
    """

    os: str
    architecture: str
    variant: str = ""
    features: tuple[str, ...] = ()

    def normalized(self) -> "Platform":
        """Return the one spelling of this platform: ``linux/aarch64/v8`` is ``linux/arm64``, ``arm`` is ``arm/v7``."""
        system = self.os.lower()
        architecture = self.architecture.lower()
        variant = self.variant.lower()
        architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
        variant = variant or implied or _DEFAULT_VARIANTS.get(architecture, "")
        if architecture in {"arm", "arm64"}:
            variant = _ARM_VARIANTS.get(variant, variant)
        if variant == _IMPLIED_VARIANTS.get(architecture):
            variant = ""
        return Platform(_SYSTEMS.get(system, system), architecture, variant)

    def matches(self, other: "Platform") -> bool:
        """Whether both are the same platform, however they are spelled."""
        return self.normalized() == other.normalized()

    @property
    def runs(self) -> bool:
        """False for entries such as BuildKit's attestations, whose platform is ``unknown/unknown``."""
        return "unknown" not in {self.os, self.architecture}

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def parse_platform(text: str) -> Platform:
    """Parse ``os/architecture[/variant]``; UsageError when it is something else."""
    parts = text.split("/")
    if len(parts) not in {2, 3} or not all(_PART.fullmatch(part) for part in parts):
        raise UsageError(
            f"{text!r} is not a platform", why="it is not OS/ARCHITECTURE[/VARIANT]", remedy="for example: linux/amd64"
        )
    return Platform(parts[0], parts[1], parts[2] if len(parts) == 3 else "")
