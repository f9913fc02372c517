"""A registry of many images that are made of few layers, as those of one company are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from compatbuild.registry.descriptor import OCI_CONFIG, OCI_MANIFEST, Descriptor
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference
from compatbuild.registry.registries import Registries
from tests.builders.elf import elf
from tests.builders.images import image_config, manifest
from tests.builders.layers import Layer, directory, file, layer
from tests.builders.programs import cuda_program

PUSHERS = 8
REPOSITORIES = 20
"""Repositories that the images are spread over."""


@dataclass(frozen=True)
class Made:
    """What was pushed: references, and the digests of the layers."""

    references: tuple[str, ...]
    layers: frozenset[str]


def small_layers() -> tuple[list[Layer], list[Layer], list[Layer]]:
    """Twelve layers: four bases, four with a library, four with a program; every other program needs CUDA."""
    bases = [layer(directory("etc"), file("etc/os-release", f"ID=debian\nVERSION_ID={9 + n}\n".encode())) for n in range(4)]  # fmt: skip
    libraries = [layer(directory("opt"), file(f"opt/lib{n}.so", elf(soname=f"lib{n}.so"))) for n in range(4)]
    plain = [layer(directory("usr"), file("usr/bin/app", elf(needed=["libc.so.6"], isa=1 << n), mode=0o755)) for n in range(2)]  # fmt: skip
    return bases, libraries, [*plain, cuda_program(mark="0"), cuda_program(mark="1")]


def combinations(groups: Sequence[Sequence[Layer]], count: int) -> Iterator[list[Layer]]:
    """Yield so many different images: of each group one layer."""
    chance = random.Random(1)
    largest = max(map(len, groups))
    seen: set[tuple[int, ...]] = set()
    while len(seen) < count:
        number = len(seen)
        # The first ones have every layer there is.
        chosen = tuple(number % len(one) if number < largest else chance.randrange(len(one)) for one in groups)
        if chosen not in seen:
            seen.add(chosen)
            yield [group[at] for group, at in zip(groups, chosen, strict=True)]


def push(address: str, groups: Sequence[Sequence[Layer]], count: int) -> Made:
    """Push images to a registry: each layer once, and mounted in every repository that has it."""
    registries = Registries(RegistryOptions(), PUSHERS)
    base = registries.repository(Reference(address, "base/layers", "v0"))
    images = list(enumerate(combinations(groups, count)))
    parts = {part.digest: part for _, layers in images for part in layers}
    mounted: set[tuple[str, str]] = set()

    def one(job: tuple[int, list[Layer]]) -> str:
        number, layers = job
        reference = Reference(address, f"fleet/app{number % REPOSITORIES}", f"v{number}")
        store = registries.store(reference)
        config = image_config(layers, {"Entrypoint": ["/usr/bin/app"]}, created=f"2026-01-01T00:00:{number % 60:02}Z")
        for part in layers:
            if (reference.name, part.digest) not in mounted:
                store.copy_blob(Descriptor(part.media_type, part.digest, len(part.blob)), base)
                mounted.add((reference.name, part.digest))
        store.push_blob(config, OCI_CONFIG)
        store.push_manifest(manifest(layers, config), OCI_MANIFEST, reference.tag)
        return str(reference)

    with ThreadPoolExecutor(PUSHERS) as threads:
        list(threads.map(lambda part: base.push_blob(part.blob, part.media_type), parts.values()))
        references = tuple(threads.map(one, images))
    return Made(references, frozenset(parts))
