"""What a registry lists: the repositories of its catalogue (distribution's API), and their tags (distribution-spec)."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from compatbuild.errors import NotFoundError, RegistryError, UsageError
from compatbuild.fleet.wanted import Wanted
from compatbuild.registry.reference import TAG, Reference, parse_reference
from compatbuild.registry.registries import Registries

BESIDE = re.compile(r"sha(?:256|512)-[0-9a-f]{64,128}(?:\.(?:sig|att|sbom))?")
"""Tags that are no images: lists of referrers (distribution-spec), and what cosign before 3 keeps beside an image."""


def read(name: str, repositories: Sequence[str], tags: Sequence[str], registries: Registries) -> Iterator[Wanted]:
    """Yield every tag of every repository that is HOST/PREFIX or below it and fits the globs.

    A registry that shows no catalogue may still list the tags of the one repository that is named. Globs of
    repositories are about the name after the host.
    """
    host, prefix = _place(name)
    for repository in _repositories(host, prefix, registries):
        if not _fits(repository, repositories):
            continue
        try:
            reference = parse_reference(f"{host}/{repository}")
        except UsageError:
            continue  # no client could pull it either
        assert isinstance(reference, Reference)
        yield from _tags(reference, tags, registries)


def _place(name: str) -> tuple[str, str]:
    host, _, prefix = name.removeprefix("//").rstrip("/").partition("/")
    try:
        parsed = parse_reference(f"{host}/{prefix or 'any'}")
    except UsageError as error:
        raise UsageError(f"registry:{name} names no registry", why=error.why, remedy="registry:HOST/PREFIX") from error
    if not isinstance(parsed, Reference) or parsed.registry != host:
        raise UsageError(
            f"registry:{name} names no registry",
            why=f"{host!r} is not the host of one",
            remedy="write registry:HOST/PREFIX, for example registry:registry.example/team",
        )
    if prefix and parsed.repository != prefix:
        raise UsageError(f"registry:{name} names one image", why="a prefix has no tag", remedy="use --tag to filter")
    return host, prefix


def _repositories(host: str, prefix: str, registries: Registries) -> Iterator[str]:
    try:
        yield from registries.repositories(host, prefix)
    except RegistryError as error:
        if not prefix:
            raise
        try:
            registries.store(Reference(host, prefix, "any")).tags()
        except (RegistryError, NotFoundError):
            raise error from None
        yield prefix


def _tags(repository: Reference, globs: Sequence[str], registries: Registries) -> Iterator[Wanted]:
    """Yield the tags of a repository; one that does not list them is told as a row, and does not end the run."""
    try:
        found = registries.store(repository).tags()
    except NotFoundError:
        return  # deleted meanwhile, or without any: catalogues list such
    except RegistryError as error:
        yield Wanted(repository.name, problem=f"{error.what}: {error.why}")
        return
    for tag in sorted(found):
        if TAG.fullmatch(tag) and not BESIDE.fullmatch(tag) and _fits(tag, globs):
            yield Wanted(f"{repository.name}:{tag}", listed=True)


def _fits(name: str, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)
