"""Read a source by its prefix: ``registry:``, ``pods:``, ``compose:``, or a file of references."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import UsageError
from compatbuild.fleet.sources import catalogue, compose, pods, references
from compatbuild.fleet.wanted import Wanted
from compatbuild.registry.registries import Registries

PREFIXES = ("registry", "pods", "compose")


@dataclass(frozen=True, slots=True)
class Filters:
    """Globs of repositories and tags of a registry; without any, all."""

    repositories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def read(sources: Sequence[str], filters: Filters, registries: Registries) -> Iterator[Wanted]:
    """Yield what each source names, in order.

    Errors: UsageError for a source that is none, NotFoundError for a file that is not there, FleetError for one that
    is not what it should be, RegistryError when a registry does not list what it has.
    """
    kinds = [source.partition(":")[0] for source in sources]
    if (filters.repositories or filters.tags) and "registry" not in kinds:
        raise UsageError(
            "--repository and --tag are about registry:HOST/PREFIX",
            why="no registry is listed",
            remedy="leave them out, or name a registry",
        )
    for source, kind in zip(sources, kinds, strict=True):
        name = source.partition(":")[2]
        if kind == "registry":
            yield from catalogue.read(name, filters.repositories, filters.tags, registries)
        elif kind == "pods":
            yield from pods.read(name)
        elif kind == "compose":
            yield from compose.read(Path(name))
        else:
            yield from references.read(source)
