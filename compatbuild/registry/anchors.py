"""Tags that hold on to what is attached, so that no writer can lose it where the list of referrers is itself a tag.

Each artifact gets a tag of its own, its anchor, before it is listed. A writer leaves when it has seen, after its own
last write, a list with every artifact that has an anchor. So whoever writes last sees the anchors of all who wrote
before, and puts back what the write threw out: nothing is lost, without any lock, as long as a registry shows tags that
were written. A tool that knows no anchors may still drop entries; ``restore`` brings them back.
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from compatbuild.errors import NotFoundError, ReferrersError, RegistryError
from compatbuild.registry import referrers
from compatbuild.registry.descriptor import OCI_INDEX, Descriptor, Manifest, ManifestBytes, canonical_json
from compatbuild.registry.digest import ContentError
from compatbuild.registry.referrers import Entries, Registry, digests, fallback_tag, read_surely, without, write_list

MAX_ANCHORS = 1000
"""Anchors of one subject that are looked at."""
DIGITS = 12
"""Hexadecimal digits of the artifact's digest in its anchor; 64 and these fit into a tag's 128 characters."""
NOTHING = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
"""What an anchor that a registry does not delete is overwritten with."""


@dataclass(frozen=True, slots=True)
class Restored:
    """An artifact that is listed again, and what it refers to."""

    artifact: Descriptor
    subject: str


class AnchoringRegistry(Registry, Protocol):
    """What is needed of a repository beyond listing referrers."""

    def tags(self) -> tuple[str, ...]:
        """Return all tags."""

    def push_manifest(self, raw: bytes, media_type: str, tag: str | None = None) -> Descriptor:
        """Store a manifest or an index under a tag."""

    def resolve(self, selector: str) -> ManifestBytes:
        """Return the manifest of a tag or digest; NotFoundError when there is none."""

    def delete_tag(self, tag: str) -> None:
        """Delete a tag; RegistryError where the registry does not."""


def anchor_tag(subject: str, artifact: str) -> str:
    """Return the tag that holds on to an artifact of a subject, both digests."""
    return f"{fallback_tag(subject)}.c-{artifact.partition(':')[2][:DIGITS]}"


def list_anchored(registry: AnchoringRegistry, artifacts: Sequence[Descriptor], subject: str) -> None:
    """Anchor pushed artifacts, and see to it that the list under the subject's tag has them."""
    for artifact in artifacts:
        raw = registry.resolve(artifact.digest).raw
        registry.push_manifest(raw, artifact.media_type, anchor_tag(subject, artifact.digest))
    restore(registry, subject, artifacts)


def restore(registry: AnchoringRegistry, subject: str, own: Sequence[Descriptor] = ()) -> tuple[Descriptor, ...]:
    """Put back what has an anchor and is not listed, until nothing is missing after our own last write.

    ``own`` are artifacts that were anchored just now: without them nothing is complete. Returns what was put back;
    ReferrersError when others, or the registry, undo it for minutes, and when the registry does not list its tags.
    """
    restored: dict[str, Descriptor] = {}
    known: dict[str, Descriptor | None] = {anchor_tag(subject, one.digest): one for one in own}
    mine = list(known)
    begun, writes, tag = time.monotonic(), 0, fallback_tag(subject)
    while True:
        anchors = _anchors(registry, subject, mine)
        entries = read_surely(registry, tag)
        if own and not writes:  # others list theirs themselves, as a rule
            anchors = _unlisted(mine, entries, known) or anchors
        if not _unlisted(anchors, entries, known):
            return tuple(restored.values())
        if time.monotonic() > begun + referrers.MAX_SECONDS:
            raise ReferrersError(
                f"{registry.name} does not keep the list of referrers under {tag}",
                why=f"other writers, or the registry, undid {writes} attempts",
                remedy="run `compatbuild repair` when nobody else writes there",
            )
        if writes:  # others write too: they may be about to, and not all at once
            time.sleep(random.uniform(0, min(referrers.BACKOFF * 4**writes, referrers.LONGEST_BACKOFF)))  # noqa: S311
            entries = read_surely(registry, tag)
        changed = ""
        for anchor in _unlisted(anchors, entries, known):
            if anchor not in known:
                known[anchor] = _held(registry, subject, anchor)
            if (one := known[anchor]) is not None:
                entries = [*without(entries, one.digest), one.as_json()]
                restored[one.digest] = one
                changed = one.digest
        if changed:
            write_list(registry, tag, entries, changed)
            writes += 1


def drop(registry: AnchoringRegistry, artifact: str, subject: str) -> None:
    """Take the anchor off an artifact that is to be taken off the list, or it would come back."""
    tag = anchor_tag(subject, artifact)
    if registry.tag_bytes(tag) is None:
        return
    try:
        registry.delete_tag(tag)
    except RegistryError:  # many registries delete no tags
        registry.push_manifest(NOTHING, OCI_INDEX, tag)


def _anchors(registry: AnchoringRegistry, subject: str, own: Sequence[str]) -> list[str]:
    head = anchor_tag(subject, "")
    try:
        found = [tag for tag in registry.tags() if tag.startswith(head)]
    except NotFoundError as error:  # a repository without any tag, to some registries
        if own:
            raise ReferrersError(
                f"{registry.name} does not list its tags",
                why="nobody would find what holds on to the artifact, so it could be lost",
                remedy="attach it without --durable, while nobody else does",
            ) from error
        return []
    found += [tag for tag in own if tag not in found]  # a list of tags may be a moment old
    if len(found) > MAX_ANCHORS:
        raise ReferrersError(
            f"{subject} in {registry.name} has {len(found)} anchors",
            why=f"at most {MAX_ANCHORS} are looked at",
            remedy=f"delete those that are no longer needed, tags that begin with {head}",
        )
    return found


def _unlisted(anchors: Sequence[str], entries: Entries, known: Mapping[str, Descriptor | None]) -> list[str]:
    """Return the anchors of what is not listed, without those that are known to hold on to nothing."""
    listed = {digest.partition(":")[2][:DIGITS] for digest in digests(entries)}
    return [tag for tag in anchors if tag.rpartition("-")[2] not in listed and known.get(tag, True) is not None]


def _held(registry: AnchoringRegistry, subject: str, tag: str) -> Descriptor | None:
    """Return what an anchor holds on to; an anchor of something else counts for nothing."""
    try:
        found = registry.resolve(tag)
        manifest = found.parse()
    except (NotFoundError, ContentError):
        return None
    if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != subject:
        return None
    if anchor_tag(subject, found.descriptor.digest) != tag:
        return None
    return replace(found.descriptor, artifact_type=manifest.artifact_type, annotations=manifest.annotations)
