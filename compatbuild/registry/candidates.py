"""The artifacts attached to a manifest, judged by their own manifests and never by what a listing says of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from compatbuild.errors import NotFoundError, ReferrersError
from compatbuild.registry.artifact import CREATED, ArtifactKind, parse_created
from compatbuild.registry.descriptor import MAX_MANIFEST, Descriptor, Manifest, ManifestBytes
from compatbuild.registry.digest import ContentError
from compatbuild.registry.store import Store

MAX_CANDIDATES = 1000
"""Referrers of one manifest that are fetched and looked at."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An artifact of the wanted kind, or what pretends to be one: ``rejected`` says why it does not count, else empty.

    ``descriptor`` is that of the fetched manifest with its own type and annotations, or the listed one where nothing
    could be fetched; ``created`` is None without a readable date, which NFD takes for the oldest.
    """

    descriptor: Descriptor
    layer: Descriptor | None = None
    created: datetime | None = None
    rejected: str = ""

    @property
    def rank(self) -> tuple[datetime, str]:
        """What candidates are ordered by: the date, then the digest so that the order is always the same."""
        return (self.created or _NEVER, self.descriptor.digest)


@dataclass(frozen=True, slots=True)
class Referrer:
    """A listed referrer: its manifest (None when it cannot be had), and why it is no referrer after all, else empty.

    ``descriptor`` has the manifest's own type and annotations; without a manifest it is as listed.
    """

    descriptor: Descriptor
    manifest: Manifest | None
    rejected: str = ""


Recognise = Callable[[Descriptor], ManifestBytes | None]
"""Returns the manifest of a listed descriptor where it is known without fetching it."""


def referrers_of(store: Store, subject: Descriptor, recognise: Recognise = lambda _: None) -> Iterator[Referrer]:
    """Yield what is listed as referring to a subject, each fetched and compared with the subject.

    A listed manifest that is gone, malformed or about something else is yielded with the reason. Errors of the
    registry are raised: an unanswered question is no answer. ReferrersError when more is listed than is looked at.
    """
    listed = {entry.digest: entry for entry in store.referrers(subject.digest)}
    if len(listed) > MAX_CANDIDATES:
        raise ReferrersError(
            f"{subject.digest} in {store.name} has {len(listed)} referrers",
            why=f"at most {MAX_CANDIDATES} are looked at",
            remedy="delete those that are no longer needed",
        )
    for entry in listed.values():
        yield _fetch(store, entry, subject, recognise)


def candidates(
    store: Store, subject: Descriptor, kind: ArtifactKind, recognise: Recognise = lambda _: None
) -> tuple[Candidate, ...]:
    """Return the artifacts of a kind attached to a subject: the good ones, newest first, then the rejected ones."""
    return of_kind(referrers_of(store, subject, recognise), kind)


def of_kind(listed: Iterable[Referrer], kind: ArtifactKind) -> tuple[Candidate, ...]:
    """Return those of listed referrers that are of a kind, in the same order."""
    judged = (_judge(referrer, kind) for referrer in listed)
    found = sorted((one for one in judged if one is not None), key=lambda one: one.rank, reverse=True)
    return tuple(sorted(found, key=lambda one: bool(one.rejected)))


def _fetch(store: Store, entry: Descriptor, subject: Descriptor, recognise: Recognise) -> Referrer:
    if entry.size > MAX_MANIFEST:
        return Referrer(entry, None, f"its manifest is listed with {entry.size} bytes, more than {MAX_MANIFEST}")
    try:
        found = recognise(entry) or store.manifest(entry.digest)
        manifest = found.parse()
    except NotFoundError:
        return Referrer(entry, None, "its manifest is gone")
    except ContentError as error:
        return Referrer(entry, None, f"{error.what}: {error.why}")
    if not isinstance(manifest, Manifest):
        return Referrer(entry, None, "it is an index")
    own = replace(found.descriptor, artifact_type=manifest.artifact_type, annotations=manifest.annotations)
    if manifest.subject is None or not manifest.subject.same_content(subject):
        return Referrer(own, manifest, "it is about another subject")
    return Referrer(own, manifest)


def _judge(referrer: Referrer, kind: ArtifactKind) -> Candidate | None:
    """Return the candidate a referrer is, None when it is of another kind (and nobody said otherwise)."""
    manifest = referrer.manifest
    if manifest is None:
        pretends = referrer.descriptor.artifact_type == kind.artifact_type
        return Candidate(referrer.descriptor, rejected=referrer.rejected) if pretends else None
    # The type of an artifact without one of its own is that of its config (image-spec, ``manifest.md``).
    if (manifest.artifact_type or manifest.config.media_type) != kind.artifact_type:
        return None
    return Candidate(
        referrer.descriptor,
        layer=manifest.layers[0] if len(manifest.layers) == 1 else None,
        created=parse_created(manifest.annotations.get(CREATED, "")),
        rejected=referrer.rejected or _fault(manifest, kind),
    )


def _fault(manifest: Manifest, kind: ArtifactKind) -> str:
    if len(manifest.layers) != 1:
        return f"it has {len(manifest.layers)} layers, not one"
    layer = manifest.layers[0]
    if layer.media_type != kind.layer_media_type:
        return f"its layer is {layer.media_type[:80]!r}"
    if layer.size > kind.limit:
        return f"its layer has {layer.size} bytes, more than {kind.limit}"
    return ""
