"""Attaching artifacts to images, reading them back, and taking them off again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from compatbuild.errors import NotFoundError, RegistryError, UsageError
from compatbuild.registry.artifact import (
    CREATED,
    EMPTY,
    REPORT,
    SPEC,
    Artifact,
    ArtifactKind,
    build_artifact,
    format_created,
    parse_created,
)
from compatbuild.registry.candidates import Candidate, Referrer, candidates, of_kind, referrers_of
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_MANIFEST, Descriptor, ManifestBytes
from compatbuild.registry.digest import digest_of
from compatbuild.registry.store import Store, Via

LEEWAY = timedelta(minutes=5)
"""How far in the future a date may lie for clocks to explain it; our own verification refuses what lies beyond."""


@dataclass(frozen=True, slots=True)
class Attached:
    """An artifact that is attached now: ``state`` says whether by this call, ``via`` how readers find it.

    ``superseded`` are the digests of older artifacts of the kind, which stay until they are detached.
    """

    descriptor: Descriptor
    subject: Descriptor
    state: Literal["created", "unchanged"]
    via: Via
    superseded: tuple[str, ...] = ()


def attach(
    store: Store,
    subject: Descriptor,
    spec: bytes,
    annotations: Mapping[str, str],
    created: str,
    *,
    derived: bool = False,
) -> Attached:
    """Attach a specification, so that it is the one in force; see ``attach_artifact`` for the rest."""
    return attach_artifact(store, subject, SPEC, spec, annotations=annotations, created=created, derived=derived)


def attach_report(
    store: Store,
    subject: Descriptor,
    report: bytes,
    annotations: Mapping[str, str],
    created: str,
    *,
    derived: bool = False,
) -> Attached:
    """Attach a report, so that it is the one in force; see ``attach_artifact`` for the rest."""
    return attach_artifact(store, subject, REPORT, report, annotations=annotations, created=created, derived=derived)


def attach_artifact(
    store: Store,
    subject: Descriptor,
    kind: ArtifactKind,
    content: bytes,
    *,
    annotations: Mapping[str, str],
    created: str,
    derived: bool = False,
) -> Attached:
    """Attach content of a kind to a subject unless the newest one there has the same content.

    What ``annotations`` say of tool and work tree is about the first time it was attached: another commit that leads to
    the same content adds nothing, or every build would leave one more artifact beside the image.

    Readers take the artifact with the latest ``created`` (RFC 3339, UTC, to the second). Where ours would not be that
    one, a date ``derived`` by the tool moves to a second after it, and a date somebody chose is refused.
    Errors: RegistryError for that and for what the registry says, ReferrersError when readers would not find it,
    UsageError for a malformed date or too much content.
    """

    def recognise(entry: Descriptor) -> ManifestBytes | None:
        return _recognise(entry, kind, content, subject) if store.via is Via.API else None

    present = [one for one in candidates(store, subject, kind, recognise) if not one.rejected]
    newest = present[0] if present else None
    in_force = [one for one in present if newest is not None and one.created == newest.created]
    if newest is not None and len(in_force) == 1 and _same(newest, content):
        return Attached(newest.descriptor, subject, "unchanged", store.via, _digests(present[1:]))
    if newest is not None and newest.created is not None:
        created = _later(newest, newest.created, created, derived=derived)
    via, descriptor = push_artifact(store, build_artifact(kind, content, subject, annotations, created), subject)
    return Attached(descriptor, subject, "created", via, _digests(present))


def push_artifact(store: Store, artifact: Artifact, subject: Descriptor) -> tuple[Via, Descriptor]:
    """Push an artifact as it is and make sure that readers find it; return how they do, and its descriptor."""
    store.push_blob(artifact.layer, artifact.layer_media_type)
    store.push_blob(EMPTY, OCI_EMPTY)
    store.push_manifest(artifact.manifest.raw, OCI_MANIFEST)
    return store.add_referrer(artifact.manifest.descriptor, subject.digest), artifact.manifest.descriptor


def specs(store: Store, subject: Descriptor) -> list[Candidate]:
    """Return the specifications attached to a subject, newest first, then those that do not count and why."""
    return list(candidates(store, subject, SPEC))


def pull(
    store: Store, subject: Descriptor, kind: ArtifactKind = SPEC, *, listed: Sequence[Referrer] | None = None
) -> tuple[bytes, Candidate]:
    """Return the content in force, **signed or not**, and the candidate it comes from.

    ``listed`` are the subject's referrers where they are known already, so that they are asked for once.
    NotFoundError when nothing of the kind is attached, RegistryError when two different ones have the same date.
    """
    found = of_kind(referrers_of(store, subject) if listed is None else listed, kind)
    good = [one for one in found if not one.rejected and one.layer is not None]
    if not good or good[0].layer is None:
        reasons = "; ".join(f"{one.descriptor.digest}: {one.rejected}" for one in found)
        raise NotFoundError(
            f"no {kind.name} is attached to {subject.digest} in {store.name}",
            why=reasons or f"nothing of type {kind.artifact_type} is listed among its referrers",
            remedy="`compatbuild publish` attaches one; of an index, name the platform that has one",
        )
    twins = [one for one in good[1:] if one.created == good[0].created and one.layer != good[0].layer]
    if twins:
        raise RegistryError(
            f"{subject.digest} in {store.name} has two artifacts of the same date",
            why=f"{good[0].descriptor.digest} and {twins[0].descriptor.digest}: readers would pick either",
            remedy="detach the one that is not wanted",
        )
    return store.blob(good[0].layer, kind.limit), good[0]


def detach(
    store: Store, subject: Descriptor, digest: str | None = None, kinds: Sequence[ArtifactKind] = (SPEC, REPORT)
) -> tuple[str, ...]:
    """Take off one artifact, or all of some kinds, with the signatures on them; return the artifacts' digests.

    Only manifests that themselves say they refer to the subject are deleted, whatever the list says.
    NotFoundError when there is none.
    """
    found = [referrer for referrer in referrers_of(store, subject) if not referrer.rejected]
    types = {kind.artifact_type for kind in kinds}
    chosen = [
        referrer.descriptor
        for referrer in found
        if referrer.manifest is not None
        and (referrer.descriptor.digest == digest if digest else referrer.manifest.artifact_type in types)
    ]
    if not chosen:
        what = digest or "nothing"
        raise NotFoundError(f"{what} is attached to {subject.digest} in {store.name}", why="nothing to take off")
    for artifact in chosen:
        for signature in [one for one in referrers_of(store, artifact) if not one.rejected]:
            store.remove_referrer(signature.descriptor.digest, artifact.digest)
        store.remove_referrer(artifact.digest, subject.digest)
    return _digests(chosen)


def _same(candidate: Candidate, content: bytes) -> bool:
    return candidate.layer is not None and candidate.layer.digest == digest_of(content)


def _recognise(entry: Descriptor, kind: ArtifactKind, content: bytes, subject: Descriptor) -> ManifestBytes | None:
    """Return a listed manifest without fetching it, if it is what we would push with the annotations listed for it.

    That its digest follows from these proves it, whoever wrote the list.
    """
    try:
        created = entry.annotations.get(CREATED, "")
        built = build_artifact(kind, content, subject, entry.annotations, created)
    except UsageError:
        return None
    return built.manifest if built.manifest.descriptor.digest == entry.digest else None


def _later(newest: Candidate, attached: datetime, created: str, *, derived: bool) -> str:
    """Return a date that makes ours the one in force; RegistryError when there is none that may be used."""
    ours = parse_created(created)
    if ours is None or ours > attached:
        return created
    if not derived:
        raise RegistryError(
            f"{newest.descriptor.digest} is attached with a date that is not older",
            why=f"{format_created(attached)} against {created}: readers would keep that one",
            remedy="give a later date, or detach that one first",
        )
    if attached > datetime.now(UTC) + LEEWAY:
        raise RegistryError(
            f"{newest.descriptor.digest} is attached with a date in the future",
            why=f"{format_created(attached)}: readers will keep it until then",
            remedy="find out who attached it, and detach it first",
        )
    return format_created(attached.replace(microsecond=0) + timedelta(seconds=1))


def _digests(found: Sequence[Candidate] | Sequence[Descriptor]) -> tuple[str, ...]:
    return tuple(one.digest if isinstance(one, Descriptor) else one.descriptor.digest for one in found)
