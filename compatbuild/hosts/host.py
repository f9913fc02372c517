"""One host as the tool knows it: what NFD would publish there, what is not known, and what its settings forbid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from compatbuild.nfd.features import Features

HostKind: TypeAlias = Literal["node", "features", "profile"]
"""A node read directly, a node's features as NFD exported them, or a profile of an operating system."""

FIDELITIES = ("live", "exact", "rebuild", "transcribed", "derived", "documented-only")
"""How near to a real host the facts are, the nearest first.

``live``: read on the host; ``exact``: of this very kernel build; ``rebuild``: of a rebuild of the same source;
``transcribed``: copied by hand; ``derived``: concluded from a near relative; ``documented-only``: from documents.
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """The kernel can, a setting of the node forbids.

    ``feature`` and ``element`` name what NFD would say is there (``kernel.config``, ``IO_URING``); ``setting`` is the
    setting as it stands on the host (``kernel.io_uring_disabled=2``), ``reason`` what it does, ``remedy`` how to change
    it or that it cannot be changed, ``source`` where the setting was read.
    """

    feature: str
    element: str
    setting: str
    reason: str
    remedy: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of one host, or of every host of one operating system.

    * ``features``: what NFD publishes there, as far as it is known.
    * ``unknown``: features, or ``feature/element``, whose absence from ``features`` means that they are not known. What
      stands in ``features`` is known even so, and so is the absence of what ``absent`` names.
    * ``absent``: ``feature/element`` known not to be there although the rest of the feature is unknown.
    * ``sources``: feature or ``feature/element`` to where the fact comes from; ``source`` looks it up.
    * ``approximate``: ``feature/element`` whose value begins right but may go on differently, such as the version of a
      kernel whose release string is not known: fit for comparing versions, not for comparing texts.
    * ``substitutes``: ``feature/element`` that NFD does not publish there although the host gives what is behind it, to
      how it does (a renamed option, a driver of the vendor): neither a yes nor a no.
    * ``remarks``: feature or ``feature/element`` to what is worth saying about it, above all when it is absent;
      ``driver/nvidia`` and its like say what is known of a driver that is not there for sure.
    * ``modules``: kernel modules that are not loaded but can be, with underscores, to how they come (empty: they are
      installed; else for instance ``in the package linux-drivers-gpu``). NFD publishes nothing of this.
    * ``policies``: what the settings of the node forbid.
    * ``drivers``: vendor (``nvidia``, ``amd``, ``intel``) to the version of its GPU driver, where it is known for sure.
    * ``gpus``: models or architectures of GPUs in the host (``h100``, ``gfx90a``), as far as somebody said so.
    * ``settings``: sysctls and other settings that NFD does not publish.
    """

    name: str
    kind: HostKind
    fidelity: str
    features: Features
    sources: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    policies: tuple[Policy, ...] = ()
    drivers: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    title: str = ""
    architecture: str = ""
    absent: frozenset[str] = frozenset()
    approximate: frozenset[str] = frozenset()
    substitutes: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def known(self, feature: str, element: str) -> bool:
        """Tell whether it is known if the host has the element, and its value if it has one.

        For a feature with devices (``pci.device``) only the feature counts: a device not listed is unknown when the
        feature is.
        """
        place = f"{feature}/{element}"
        if place in self.absent or self._has(feature, element):
            return True
        return feature not in self.unknown and place not in self.unknown

    def complete(self, feature: str) -> bool:
        """Tell whether everything about the feature is known, as an operator on all its names needs it."""
        return feature not in self.unknown and not any(place.startswith(f"{feature}/") for place in self.unknown)

    def source(self, feature: str, element: str = "") -> str:
        """Say where the fact comes from; empty when nothing is known of it."""
        return self.sources.get(f"{feature}/{element}") or self.sources.get(feature, "")

    def remark(self, feature: str, element: str) -> str:
        """Say what there is to say about an element that is not there."""
        return self.remarks.get(f"{feature}/{element}") or self.remarks.get(feature, "")

    def policy(self, feature: str, element: str) -> Policy | None:
        """Give the setting that forbids what the kernel has, if there is one."""
        return next((one for one in self.policies if (one.feature, one.element) == (feature, element)), None)

    def _has(self, feature: str, element: str) -> bool:
        flags, attributes = self.features.flags.get(feature), self.features.attributes.get(feature)
        return element in (flags or ()) or element in (attributes or ())
