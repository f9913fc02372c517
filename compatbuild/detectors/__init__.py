"""Detectors: one file is one detector, declared as data plus a pure function.

A module here defines exactly one ``DETECTOR``. Third parties add theirs through the entry-point group
``compatbuild.detectors``, whose entries point at a ``Detector``.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compatbuild.image.interests import Interests
    from compatbuild.image.view import DetectorView
    from compatbuild.knowledge import Knowledge
    from compatbuild.model.finding import Finding

ENTRY_POINT_GROUP = "compatbuild.detectors"


@dataclass(frozen=True)
class Detector:
    """One detector.

    ``id`` equals its module's name; ``interests`` is all it may ask of an image; ``facts`` names the facts and
    ``features`` the NFD features (``kernel.config``) its findings may lead to; ``detect`` is pure.
    """

    id: str
    title: str
    interests: "Interests"
    detect: "Callable[[DetectorView, Knowledge], Iterator[Finding]]"
    facts: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def docs(self) -> str:
        """Return the page about this detector, relative to the documentation's root."""
        return f"detectors/{self.id}.md"


def discover() -> tuple[Detector, ...]:
    """Return all detectors, shipped ones first, each group in the order of their ids."""
    shipped = [
        importlib.import_module(f"{__name__}.{module.name}").DETECTOR
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    foreign = [entry.load() for entry in entry_points(group=ENTRY_POINT_GROUP)]
    return tuple(sorted(shipped, key=lambda d: d.id)) + tuple(sorted(foreign, key=lambda d: d.id))
