"""The catalogue of NFD's features: which exist, of what kind they are, and which elements they have.

The facts and their sources are in ``features.yaml`` beside this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

NEAR_NAMES = 3  # suggestions for a name that is not known


class Kind(StrEnum):
    """What a feature holds: element names, elements with values, or several devices with attributes each."""

    FLAG = "flag"
    ATTRIBUTE = "attribute"
    INSTANCE = "instance"


class ValueType(StrEnum):
    """What an element's text looks like; flags have none."""

    STRING = "string"
    INT = "int"
    BOOL = "bool"
    HEX2 = "hex2"
    HEX4 = "hex4"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Element:
    """One element; ``type`` is None for a flag, ``since`` the NFD release that has it first, or empty."""

    name: str
    type: ValueType | None = None
    example: str = ""
    doc: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of one kind of a feature; ``open`` when there are more than those named."""

    open: bool
    named: Mapping[str, Element]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature by its full name (``cpu.cpuid``), with the elements of each of its kinds.

    ``aliases`` map what others call an element, in lower case without separators, to the name that NFD has for it.
    """

    name: str
    doc: str
    since: str
    kinds: Mapping[Kind, Elements]
    aliases: Mapping[str, str]

    @property
    def open(self) -> bool:
        """Whether elements beyond the named ones exist in any kind."""
        return any(elements.open for elements in self.kinds.values())

    def element(self, name: str) -> Element | None:
        """Give the element of that name, whichever kind it is of; element names are case-sensitive."""
        found = (elements.named.get(name) for elements in self.kinds.values())
        return next(filter(None, found), None)

    def names(self) -> list[str]:
        """Give the names of all known elements, sorted."""
        return sorted({name for elements in self.kinds.values() for name in elements.named})

    def near(self, name: str) -> tuple[str, ...]:
        """Give known element names that mean or resemble one that is not known, the nearest first."""
        alias = self.aliases.get(_plain(name))
        return (alias,) if alias else _near(name, self.names())


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All features, by name."""

    features: Mapping[str, Feature]

    def feature(self, name: str) -> Feature | None:
        """Give the feature, whose name NFD looks up in lower case."""
        return self.features.get(name.lower())

    def near(self, name: str) -> tuple[str, ...]:
        """Give names of features that resemble one that is not known, the nearest first."""
        return _near(name, sorted(self.features))


@cache
def catalogue() -> Catalogue:
    """Give the catalogue of NFD v0.19.0, read once from ``features.yaml``."""
    text = (files(__package__) / "features.yaml").read_text(encoding="utf-8")
    rows = yaml.safe_load(text)["features"]
    return Catalogue({name: _feature(name, row) for name, row in rows.items()})


def _near(name: str, known: list[str]) -> tuple[str, ...]:
    """Compare without case and separators: ``kernel.loaded-modules`` is near ``kernel.loadedmodule``."""
    plain: dict[str, str] = {}
    for candidate in known:
        plain.setdefault(_plain(candidate), candidate)
    return tuple(plain[key] for key in get_close_matches(_plain(name[:200]), list(plain), NEAR_NAMES))


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _feature(name: str, row: Mapping[str, Any]) -> Feature:
    kinds = {kind: _elements(row[kind]) for kind in Kind if kind in row}
    return Feature(name, row["doc"], row.get("since", ""), kinds, row.get("aliases", {}))


def _elements(row: Mapping[str, Any]) -> Elements:
    since = row.get("since", {})
    flags = [str(name) for names in row.get("names", {}).values() for name in names]
    named = {name: Element(name, since=since.get(name, "")) for name in flags}
    named |= {name: _element(name, entry) for name, entry in row.get("elements", {}).items()}
    return Elements(open=row.get("open", False), named=named)


def _element(name: str, entry: Mapping[str, str]) -> Element:
    return Element(name, ValueType(entry["type"]), entry.get("example", ""), entry.get("doc", ""))
