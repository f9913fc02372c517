"""Reading a layer by its table of contents, and as a whole, from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compatbuild.errors import ImageError
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import Scan
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.toc import toc_place
from compatbuild.image.toc_layer import SMALL, TocLayer
from compatbuild.image.toc_plan import USUAL, Thrift
from compatbuild.image.wanted import Start, Wanted
from tests.builders.images import blob_layer
from tests.builders.layers import Layer

EAGER = Thrift(request=0, piece=1 << 12, share=100.0, most=1000.0)
"""Ranges whatever they cost, for layers that are too small for any to be worth it."""
EVERYTHING = Interests(files=(FileInterest("/**/*.jar", 50, end=True), FileInterest("/**/c*", 70)), elf=True, go=True)


@dataclass
class Memory:
    """A blob in memory that remembers what was asked of it."""

    blob: bytes
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.blob)

    @property
    def got(self) -> int:
        return sum(count for _, count in self.asked)

    def read_at(self, offset: int, count: int) -> bytes:
        self.asked.append((offset, count))
        if offset < 0 or count < 1 or offset + count > self.size:
            raise ImageError("out of range")
        return self.blob[offset : offset + count]


@dataclass
class Reading:
    """How a layer was read: what it holds, what was said of that, what was asked of the blob, what was told of it."""

    facts: LayerFacts
    said: list[str]
    data: Memory
    ticks: list[int]

    @property
    def by_toc(self) -> bool:
        return any(text.endswith("by its table of contents") for text in self.said)


def by_toc(
    layer: Layer,
    interests: Interests = EVERYTHING,
    *,
    blob: bytes | None = None,
    thrift: Thrift = USUAL,
    small: int = SMALL,
    limits: Limits = DEFAULT,
) -> Reading:
    """Read a layer by its table; ``blob`` is what is stored instead."""
    place = toc_place(layer.annotations)
    assert place is not None
    data, said, ticks = Memory(layer.blob if blob is None else blob), list[str](), list[int]()
    stored = layer if blob is None else Layer(blob, layer.diff_id, layer.media_type)
    whole = blob_layer(stored, digest=layer.digest, size=len(layer.blob))
    facts = TocLayer(whole, data, place, said.append, thrift, small).facts(scan(interests, limits, ticks))
    return Reading(facts, said, data, ticks)


def streamed(layer: Layer, interests: Interests = EVERYTHING, limits: Limits = DEFAULT) -> LayerFacts:
    """Read a layer as a whole."""
    return blob_layer(layer).facts(scan(interests, limits, []))


def scan(interests: Interests, limits: Limits, ticks: list[int]) -> Scan:
    """Return what a layer is read for."""
    return Scan(Wanted(interests, Start(frozenset(("run", "main.py")), ("/app",)), limits), limits, ticks.append)


def differences(one: LayerFacts, other: LayerFacts) -> Sequence[str]:
    """Name the fields in which facts differ."""
    return [name for name in LayerFacts.__dataclass_fields__ if getattr(one, name) != getattr(other, name)]
