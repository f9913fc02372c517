"""Which manifests of an image a specification is attached to, or asked of: the index, its platforms, or both."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from compatbuild.errors import NotFoundError, UsageError
from compatbuild.registry.descriptor import (
    DOCKER_CONFIG,
    INDEX_TYPES,
    MAX_INDEX,
    OCI_CONFIG,
    Descriptor,
    Index,
    Manifest,
    ManifestBytes,
    parse_json,
)
from compatbuild.registry.digest import ContentError
from compatbuild.registry.platform import Platform, parse_platform
from compatbuild.registry.reference import LayoutReference, Reference
from compatbuild.registry.sif import sif_layer, sif_platform
from compatbuild.registry.store import Store

ALL = "all"
"""The platform that stands for the index and every platform in it."""
BUILDKIT_TYPE = "vnd.docker.reference.type"
"""Annotation of what BuildKit puts beside the platforms (``attestation-manifest``)."""
MAX_DEPTH = 3
"""Levels of indexes within indexes that are looked into."""
MAX_CHILDREN = 1000
"""Entries of an index whose manifests are fetched."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A manifest or index; ``platform`` is known of an index's children, and of an image asked for by platform.

    ``annotations`` are those of its entry in the index.
    """

    descriptor: Descriptor
    is_index: bool
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def subjects(store: Store, reference: Reference | LayoutReference, platform: str | None = None) -> list[Subject]:
    """Return what a reference means: itself; with a platform the manifest for it; with ``all`` it and every platform.

    The digests are fixed from here on: a tag is resolved once. Attestations and other entries that do not run are left
    out, and so are platforms whose manifest was not copied along.
    Errors: NotFoundError when there is no such image or platform, UsageError when it is an artifact and not an image,
    ContentError when it is malformed.
    """
    return subjects_in(store, store.resolve(reference.selector), reference, platform)


def subjects_in(
    store: Store, top: ManifestBytes, reference: Reference | LayoutReference, platform: str | None = None
) -> list[Subject]:
    """Return the same of a reference that was resolved to ``top``; only errors name it from here on."""
    parsed = top.parse()
    if parsed.subject is not None:
        raise UsageError(
            f"{reference} is an artifact attached to {parsed.subject.digest}",
            why="an image is needed here",
            remedy=f"name the image: {reference.with_digest(parsed.subject.digest)}",
        )
    if not isinstance(parsed, Index):
        return [_single(store, top, parsed, platform, reference)]
    if platform is None:
        return [Subject(top.descriptor, is_index=True)]
    wanted = None if platform == ALL else parse_platform(platform)
    children = list({child.descriptor.digest: child for child in _children(store, parsed, wanted, 1)}.values())
    if wanted is None:
        return [Subject(top.descriptor, is_index=True), *children]
    if not children:
        raise _no_platform(reference, wanted, [entry.platform for entry in parsed.manifests])
    return children[:1]


def variants(
    store: Store, reference: Reference | LayoutReference, platform: str | None = None
) -> tuple[Subject | None, list[Subject]]:
    """Return the index (None for an image alone), and every image behind a reference that can run, in its order.

    Several may be for one platform, and differ in what else they ask for. Every one has its platform, from its config
    where the index does not tell. Errors are those of ``subjects``, NotFoundError too when none is for ``platform``.
    """
    wanted = parse_platform(platform) if platform else None
    top, *rest = subjects(store, reference, ALL)
    found = [_with_platform(store, one) for one in (rest if top.is_index else [top])]
    kept = [one for one in found if wanted is None or (one.platform is not None and one.platform.matches(wanted))]
    if wanted is not None and not kept:
        raise _no_platform(reference, wanted, [one.platform for one in found])
    return (top if top.is_index else None), kept


def _with_platform(store: Store, subject: Subject) -> Subject:
    if subject.platform is not None:
        return subject
    manifest = store.manifest(subject.descriptor.digest).parse()
    return subject if isinstance(manifest, Index) else replace(subject, platform=_platform(store, manifest))


def _platform(store: Store, manifest: Manifest) -> Platform:
    """Return the platform that an image's config names, or a SIF's header; parts that are no text are empty."""
    if (layer := sif_layer(manifest)) is not None:
        return sif_platform(store, layer)
    document = parse_json(store.blob(manifest.config, MAX_INDEX), MAX_INDEX, "the image config")
    names = (document.get(key) for key in ("os", "architecture", "variant"))
    system, architecture, variant = (name if isinstance(name, str) else "" for name in names)
    return Platform(system, architecture, variant)


def _children(store: Store, index: Index, wanted: Platform | None, depth: int) -> Iterator[Subject]:
    """Yield the manifests in an index that can run, of the wanted platform if there is one."""
    if depth > MAX_DEPTH or len(index.manifests) > MAX_CHILDREN:
        raise ContentError("the image index is too large", why=f"over {MAX_CHILDREN} entries or {MAX_DEPTH} levels")
    for entry in index.manifests:
        if BUILDKIT_TYPE in entry.annotations or not _fits(entry, wanted):
            continue
        try:
            child = store.manifest(entry.digest)
        except NotFoundError:
            continue
        if not child.descriptor.same_content(entry):
            raise ContentError(f"{entry.digest} is not what its index says", why="media type or size differ")
        parsed = child.parse()
        if isinstance(parsed, Index):
            yield from _children(store, parsed, wanted, depth + 1)
        elif parsed.subject is None and parsed.artifact_type in {"", OCI_CONFIG, DOCKER_CONFIG}:
            yield Subject(child.descriptor, is_index=False, platform=entry.platform, annotations=entry.annotations)


def _fits(entry: Descriptor, wanted: Platform | None) -> bool:
    """Whether an entry is to be looked at: without a platform it fits a wish only as an index, which may hold it."""
    if entry.platform is None:
        return wanted is None or entry.media_type in INDEX_TYPES
    return entry.platform.runs and (wanted is None or entry.platform.matches(wanted))


def _no_platform(
    reference: Reference | LayoutReference, wanted: Platform, there: Iterable[Platform | None]
) -> NotFoundError:
    names = sorted({str(platform) for platform in there if platform and platform.runs})
    return NotFoundError(
        f"{reference} has no {wanted}",
        why="it has " + (", ".join(names) or "no platform at all"),
        remedy="name one of its platforms",
    )


def _single(
    store: Store, top: ManifestBytes, manifest: Manifest, platform: str | None, reference: Reference | LayoutReference
) -> Subject:
    """Return the one manifest there is, after making sure that it is for the platform, if one is wanted."""
    if platform in {None, ALL}:
        return Subject(top.descriptor, is_index=False)
    own = _platform(store, manifest)
    wanted = parse_platform(str(platform))
    if not own.matches(wanted):
        raise _no_platform(reference, wanted, [own])
    return Subject(top.descriptor, is_index=False, platform=own)
