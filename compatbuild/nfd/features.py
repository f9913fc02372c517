"""The features of a host as NFD publishes them: flags, attributes and instances by feature name.

The document is the ``Features`` object of ``api/nfd/v1alpha1/types.go``, which ``nfd export features`` prints bare and
a NodeFeature holds under ``spec.features``. All values are text.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from compatbuild.errors import CompatError

T = TypeVar("T")

MAX_ELEMENTS = 1_000_000  # a kernel configuration has ten thousand options


class FeaturesError(CompatError):
    """A features document does not have the shape NFD publishes."""

    code = "features"


@dataclass(frozen=True, slots=True)
class Features:
    """What a host has. A name may occur in several kinds; None stands for a feature that NFD holds as null.

    ``flags`` are sets of element names, ``attributes`` map element names to values, ``instances`` list one such
    mapping for each device.
    """

    flags: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    instances: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether the host publishes the feature at all, in whatever kind."""
        return name in self.flags or name in self.attributes or name in self.instances

    def names(self) -> list[str]:
        """Give the names of all features, sorted."""
        return sorted({*self.flags, *self.attributes, *self.instances})

    def merged(self, later: "Features") -> "Features":
        """Give both together, as nfd-master merges the NodeFeatures of a node: later values win, devices add up."""
        return Features(
            flags=_joined(self.flags, later.flags, frozenset.union),
            attributes=_joined(self.attributes, later.attributes, lambda old, new: {**old, **new}),
            instances=_joined(self.instances, later.instances, lambda old, new: (*old, *new)),
        )

    def document(self) -> dict[str, Any]:
        """Give the NFD document, from which ``from_document`` makes an equal object."""
        return {
            "flags": {
                name: {"elements": None if elements is None else {element: {} for element in sorted(elements)}}
                for name, elements in self.flags.items()
            },
            "attributes": {
                name: {"elements": None if elements is None else dict(elements)}
                for name, elements in self.attributes.items()
            },
            "instances": {
                name: {"elements": [{"attributes": dict(instance)} for instance in instances]}
                for name, instances in self.instances.items()
            },
        }

    @classmethod
    def from_document(cls, document: Any) -> "Features":
        """Read an NFD features document; parts may be absent or null, as NFD allows.

        Raises FeaturesError when something has the wrong shape, or when there is more than ``MAX_ELEMENTS`` of it.
        """
        root = _mapping(document, "the document")
        features = cls(
            flags=_kind(root, "flags", _flags),
            attributes=_kind(root, "attributes", _attributes),
            instances=_kind(root, "instances", _instances),
        )
        if features._size() > MAX_ELEMENTS:
            raise FeaturesError(
                "The features document is too large",
                why=f"it holds more than {MAX_ELEMENTS:,} elements",
                remedy="check that this is the export of one host",
            )
        return features

    def _size(self) -> int:
        counts: list[Iterable[Any] | None] = [*self.flags.values(), *self.attributes.values()]
        counts += [instance for instances in self.instances.values() for instance in instances]
        return sum(len(list(elements or ())) for elements in counts)


def _joined(old: Mapping[str, T], new: Mapping[str, T], join: Callable[[Any, Any], Any]) -> dict[str, T]:
    both = {name for name in old if old[name] is not None and new.get(name) is not None}
    kept = {name: value for name, value in new.items() if value is not None or name not in old}
    return {**old, **kept, **{name: join(old[name], new[name]) for name in both}}


def _kind(root: Mapping[str, Any], kind: str, read: Any) -> dict[str, Any]:
    sets = _mapping(root.get(kind), kind)
    return {
        _text(name, kind): read(_mapping(entry, f"{kind}.{name}"), f"{kind}.{name}") for name, entry in sets.items()
    }


def _flags(entry: Mapping[str, Any], path: str) -> frozenset[str] | None:
    elements = entry.get("elements")
    return None if elements is None else frozenset(_text(name, path) for name in _mapping(elements, path))


def _attributes(entry: Mapping[str, Any], path: str) -> dict[str, str] | None:
    elements = entry.get("elements")
    return None if elements is None else _texts(elements, path)


def _instances(entry: Mapping[str, Any], path: str) -> tuple[dict[str, str], ...]:
    elements = entry.get("elements")
    if not isinstance(elements, list | None):
        raise _wrong(path, "a list of instances")
    return tuple(_texts(_mapping(element, path).get("attributes"), path) for element in elements or ())


def _texts(elements: Any, path: str) -> dict[str, str]:
    return {_text(name, path): _text(value, f"{path}.{name}") for name, value in _mapping(elements, path).items()}


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(path, "a mapping")
    return value


def _text(value: Any, path: str) -> str:
    """Give the text; a lone surrogate, which JSON can escape but no file can hold, is replaced as Go does."""
    if not isinstance(value, str):
        raise _wrong(path, "text")
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _wrong(path: str, wanted: str) -> FeaturesError:
    return FeaturesError(
        "The features document is not one of NFD's",
        why=f"{path[:200]!r} is not {wanted}",
        remedy="export it with nfd export features, or take it from a NodeFeature object",
    )
