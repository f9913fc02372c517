"""The three kinds of place an image can be in: a registry with the referrers API, one without, and a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.builders.signing import empty_layout
from tests.peers import servers

REGISTRIES = ("api", "fallback")
KINDS = (*REGISTRIES, "layout")


@dataclass(frozen=True)
class Place:
    """A registry's ``host:port``, or the directory that layouts are made in."""

    kind: str
    address: str = ""
    directory: Path = Path()

    def store(self, name: str) -> Store:
        """Open the repository (or make the layout) of that name."""
        if self.kind == "layout":
            return empty_layout(self.directory / name)
        return open_store(parse_reference(f"{self.address}/{name}:any"))

    def reference(self, name: str, descriptor: Descriptor) -> str:
        """Return how other programs call a manifest."""
        return f"{self.address}/{name}@{descriptor.digest}"


@contextmanager
def place(kind: str, directory: Path) -> Iterator[Place]:
    """Run the registry of a kind for the length of the block; a directory needs none."""
    if kind == "layout":
        yield Place(kind, directory=directory)
        return
    with servers.referrers_registry() if kind == "api" else servers.fallback_registry() as address:
        yield Place(kind, address)
