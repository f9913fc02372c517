"""What has been read of a node so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compatbuild.nfd.features import Features


@dataclass(slots=True)
class Found:
    """Features with the places they were read from, and what could not be read, with the reason."""

    flags: dict[str, frozenset[str]] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    instances: dict[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def flag(self, feature: str, elements: Iterable[str], source: str) -> None:
        """Add a feature of names."""
        self.flags[feature] = frozenset(elements)
        self.sources[feature] = source

    def attribute(self, feature: str, elements: Mapping[str, str], source: str) -> None:
        """Add a feature of names with values."""
        self.attributes[feature] = elements
        self.sources[feature] = source

    def devices(self, feature: str, elements: Sequence[Mapping[str, str]], source: str) -> None:
        """Add a feature of devices."""
        self.instances[feature] = tuple(elements)
        self.sources[feature] = source

    def unknown(self, place: str, reason: str) -> None:
        """Note that a feature, or ``feature/element``, cannot be told."""
        self.missing[place] = reason

    def features(self) -> Features:
        """Give all as NFD's features."""
        return Features(self.flags, self.attributes, self.instances)
