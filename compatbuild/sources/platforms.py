"""Which image of an index is meant: the platform asked for, this machine's, or the only one there is."""

import platform as machine
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compatbuild.errors import ImageError, NotFoundError, UsageError
from compatbuild.image.config import parse_config
from compatbuild.image.limits import DEFAULT
from compatbuild.registry.descriptor import DOCKER_CONFIG, INDEX_TYPES, OCI_CONFIG, Descriptor, Index
from compatbuild.registry.platform import Platform, parse_platform
from compatbuild.registry.subject import BUILDKIT_TYPE, MAX_CHILDREN, MAX_DEPTH
from compatbuild.sources.image_source import Content, Wish

_VARIANTS = {"amd64": ("v4", "v3", "v2", ""), "arm": ("v8", "v7", "v6", "v5")}
"""Variants from the most demanding down, in their normal spelling; a machine of one runs those that follow."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image of an index, and the platform it is for."""

    descriptor: Descriptor
    platform: Platform


def choose(content: Content, index: Index, what: str, wish: Wish) -> Candidate:
    """Return one image of an index named ``what``.

    Without a platform asked for it is the one for Linux on this machine's architecture, else the only one; UsageError
    when there are several others. NotFoundError when there is none for the platform asked for. A variant that is not
    there gives way to the next lower one, and that is said.
    """
    asked = wish.platform
    found = list(candidates(content, index))
    if not found:
        raise NotFoundError(f"{what} holds no image", why="its index lists nothing that runs", remedy="name another")
    wanted = parse_platform(asked) if asked else Platform("linux", machine.machine())
    for platform in _downwards(wanted.normalized()):
        for candidate in found:
            if candidate.platform.normalized() == platform:
                _say_several(found, candidate, what, wish)
                if not asked and len(found) > 1:
                    wish.say(f"{what} is for {_names(found)}: reading {platform}, as this machine is")
                elif asked and platform != wanted.normalized():
                    wish.say(f"{what} has no {asked}: reading {platform}, which such a machine runs")
                return candidate
    if asked:
        raise NotFoundError(f"{what} has no {asked}", why=f"it has {_names(found)}", remedy="name one of its platforms")
    if len(found) > 1:
        raise UsageError(
            f"{what} is for several platforms",
            why=f"it has {_names(found)}, and none is this machine's",
            remedy=f"choose one: --platform {found[0].platform}",
        )
    return found[0]


def _say_several(found: Sequence[Candidate], chosen: Candidate, what: str, wish: Wish) -> None:
    """Say that an index holds several images that cannot be told apart; containerd and docker take the first."""
    alike = {one.descriptor.digest for one in found if one.platform.matches(chosen.platform)}
    if len(alike) > 1:
        wish.say(f"{what} has {len(alike)} different images for {chosen.platform}: reading the first")


def require(platform: Platform, asked: str, what: str) -> None:
    """Raise NotFoundError when a single image is not for the platform asked for."""
    if asked and not platform.matches(parse_platform(asked)):
        raise NotFoundError(f"{what} has no {asked}", why=f"it is for {platform}", remedy="name its platform, or none")


def candidates(content: Content, index: Index, depth: int = 1) -> Iterator[Candidate]:
    """Yield what an index and the indexes in it hold: no attestations, no artifacts."""
    if depth > MAX_DEPTH or len(index.manifests) > MAX_CHILDREN:
        raise ImageError(
            "The image index cannot be read",
            why=f"it has more than {MAX_CHILDREN} entries, or indexes within indexes over {MAX_DEPTH} levels",
            remedy="name an image in it by its digest",
        )
    for entry in index.manifests:
        if BUILDKIT_TYPE in entry.annotations or entry.artifact_type not in ("", OCI_CONFIG, DOCKER_CONFIG):
            continue
        if entry.media_type in INDEX_TYPES:
            inner = content.manifest(entry.digest).parse()
            if isinstance(inner, Index):
                yield from candidates(content, inner, depth + 1)
        elif entry.platform is None:
            yield from _without_platform(content, entry)
        elif entry.platform.runs:
            yield Candidate(entry, entry.platform)


def _without_platform(content: Content, entry: Descriptor) -> Iterator[Candidate]:
    """Ask an image's own config for its platform, where the index does not give it; artifacts have none."""
    manifest = content.manifest(entry.digest).parse()
    if not isinstance(manifest, Index) and manifest.config.media_type in (OCI_CONFIG, DOCKER_CONFIG):
        config = parse_config(content.blob(manifest.config, DEFAULT.document), DEFAULT)
        yield Candidate(entry, Platform(config.os, config.architecture, config.variant))


def _downwards(platform: Platform) -> Iterator[Platform]:
    """Yield a platform, then those with lower variants that a machine of it runs as well."""
    yield platform
    order = _VARIANTS.get(platform.architecture, ())
    if platform.variant in order:
        for variant in order[order.index(platform.variant) + 1 :]:
            yield replace(platform, variant=variant)


def _names(found: Sequence[Candidate]) -> str:
    return ", ".join(sorted({str(candidate.platform) for candidate in found})[:20])
