"""Copying an image with everything that belongs to it: platforms, what is attached to each, and signatures on that.

The order is such that nobody sees half of it: blobs, manifests, referrers, and the tag last. What is there already is
left alone, so that a copy that broke off goes on where it stopped, and a second one changes nothing.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from compatbuild.errors import NotFoundError, ReferrersError, UsageError
from compatbuild.registry.artifact import EMPTY, EMPTY_CONFIG
from compatbuild.registry.candidates import MAX_CANDIDATES
from compatbuild.registry.descriptor import Descriptor, Index, Manifest, ManifestBytes
from compatbuild.registry.digest import ContentError
from compatbuild.registry.reference import TAG
from compatbuild.registry.store import Store, Via

MAX_MANIFESTS = 10_000
"""Manifests of one copy."""
MAX_DEPTH = 8
"""Indexes within indexes, and referrers of referrers."""
COMPANIONS = ("sig", "att", "sbom")
"""Suffixes of the tags under which cosign's older format keeps signatures, attestations and SBOMs of a digest."""
_ELSEWHERE = re.compile(r"nondistributable|\.foreign\.")
"""Layers that registries do not hold: their manifest says where they are, and that is no place we go to."""

Kind = Literal["image", "index", "attached", "companion", "tag"]


@dataclass(frozen=True, slots=True)
class Part:
    """A manifest that was copied, or was there: an image, an index, what is attached to one, or what has a ``tag``."""

    kind: Kind
    descriptor: Descriptor
    state: Literal["created", "unchanged"]
    tag: str = ""
    artifact_type: str = ""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did; ``sent`` are the bytes of blobs that passed here, ``notes`` what was left out and why."""

    descriptor: Descriptor
    parts: tuple[Part, ...]
    sent: int
    notes: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was not there before."""
        return any(part.state == "created" for part in self.parts)


def copy(source: Store, selector: str, target: Store, tag: str, say: Callable[[str], None] = lambda _: None) -> Copied:
    """Copy an image and everything that belongs to it, and let ``tag`` name it, unless that is empty.

    ``selector`` is a tag or digest in the source. Errors: NotFoundError when it, or a blob, is not there, UsageError
    when it is an artifact and not an image, ContentError for content that is not what its digest says, RegistryError.
    """
    top = source.resolve(selector)
    parsed = top.parse()
    if parsed.subject is not None:
        raise UsageError(
            f"{selector} in {source.name} is attached to {parsed.subject.digest}",
            why="an image is copied, and what is attached to it comes along",
            remedy="name the image",
        )
    work = _Copy(source, target, say)
    work.manifest(top, "index" if isinstance(parsed, Index) else "image", 1)
    if tag:
        work.tag(top, tag)
    return Copied(top.descriptor, tuple(work.parts), work.sent, tuple(work.notes))


class _Copy:
    """The state of one copy: what has been done so far."""

    def __init__(self, source: Store, target: Store, say: Callable[[str], None]) -> None:
        self._source = source
        self._target = target
        self._say = say
        self._done: set[str] = set()
        self.parts: list[Part] = []
        self.notes: list[str] = []
        self.sent = 0

    def manifest(self, found: ManifestBytes, kind: Kind, depth: int) -> None:
        """Copy a manifest after what is in it and before what is attached to it."""
        digest = found.descriptor.digest
        if digest in self._done:
            return
        self._done.add(digest)
        if len(self._done) > MAX_MANIFESTS or depth > MAX_DEPTH:
            why = f"more than {MAX_MANIFESTS} manifests, or more than {MAX_DEPTH} levels of them"
            raise ContentError(
                f"{self._source.name} holds too much to copy", why=why, remedy="delete what is not needed"
            )
        parsed = found.parse()
        there = self._target.has(found.descriptor)
        if isinstance(parsed, Index):
            self._children(parsed, depth)
        elif not there or self._target.via is Via.LAYOUT:  # a registry takes no manifest before its blobs
            self._blobs(parsed)
        if not there:
            self._target.push_manifest(found.raw, found.descriptor.media_type)
        own = type_of(parsed) if kind == "attached" else ""
        self.parts.append(Part(kind, found.descriptor, "unchanged" if there else "created", artifact_type=own))
        if kind != "companion":
            self._attached(found, depth)
            self._companions(digest, depth, COMPANIONS if kind in {"image", "index"} else COMPANIONS[:1])

    def tag(self, top: ManifestBytes, tag: str) -> None:
        """Let a tag name a manifest that is there."""
        try:
            there = self._target.resolve(tag).descriptor.digest == top.descriptor.digest
        except (NotFoundError, ContentError, UsageError):
            there = False
        if not there:
            self._target.push_manifest(top.raw, top.descriptor.media_type, tag)
        self.parts.append(Part("tag", top.descriptor, "unchanged" if there else "created", tag))

    def _children(self, index: Index, depth: int) -> None:
        for entry in index.manifests:
            try:
                child = self._source.manifest(entry.digest)
            except NotFoundError:
                self.notes.append(f"{entry.digest} of the index is not in {self._source.name}")
                continue
            if not child.descriptor.same_content(entry):
                raise ContentError(f"{entry.digest} is not what its index says", why="media type or size differ")
            self.manifest(child, "index" if isinstance(child.parse(), Index) else "image", depth + 1)

    def _blobs(self, manifest: Manifest) -> None:
        for blob in {one.digest: one for one in (manifest.config, *manifest.layers)}.values():
            if _ELSEWHERE.search(blob.media_type):
                self.notes.append(f"{blob.digest} is a layer that registries do not hold ({blob.media_type})")
            elif blob.digest == EMPTY_CONFIG.digest:
                self._target.push_blob(EMPTY, blob.media_type)  # some tools only write it into the manifest
            elif not self._target.has(blob):
                self._say(f"copying {blob.digest} ({blob.size:,} bytes)")
                self.sent += blob.size if self._target.copy_blob(blob, self._source) else 0

    def _attached(self, subject: ManifestBytes, depth: int) -> None:
        """Copy what is attached to a manifest, and have it listed at the target."""
        brought: list[Descriptor] = []
        for found in self._referrers(subject.descriptor):
            parsed = found.parse()
            self.manifest(found, "attached", depth + 1)
            brought.append(replace(found.descriptor, artifact_type=type_of(parsed), annotations=parsed.annotations))
        if brought:
            self._target.add_referrers(brought, subject.descriptor.digest)

    def _referrers(self, subject: Descriptor) -> Iterator[ManifestBytes]:
        """Yield what is listed as attached and by its own word is."""
        listed = dict.fromkeys(entry.digest for entry in self._source.referrers(subject.digest))
        if len(listed) > MAX_CANDIDATES:
            why, remedy = f"at most {MAX_CANDIDATES} are copied", "delete those that are no longer needed"
            raise ReferrersError(f"{subject.digest} has {len(listed)} referrers", why=why, remedy=remedy)
        for digest in listed:
            try:
                found = self._source.manifest(digest)
                own = found.parse().subject
            except (NotFoundError, ContentError) as error:
                self.notes.append(f"{digest}, listed as attached to {subject.digest}, was left out: {error.what}")
                continue
            if own is None or not own.same_content(subject):
                self.notes.append(f"{digest}, listed as attached to {subject.digest}, was left out: it is not")
                continue
            yield found

    def _companions(self, digest: str, depth: int, suffixes: Sequence[str]) -> None:
        """Copy what cosign's older format keeps under tags made of a digest."""
        for suffix in suffixes:
            tag = f"{digest.replace(':', '-')}.{suffix}"
            if not TAG.fullmatch(tag):
                continue
            try:
                found = self._source.resolve(tag)
            except NotFoundError:
                continue
            except (ContentError, UsageError) as error:
                self.notes.append(f"{tag} was left out: {error.what}")
                continue
            self._companion(found, tag, depth)

    def _companion(self, found: ManifestBytes, tag: str, depth: int) -> None:
        try:
            there = self._target.resolve(tag).descriptor
        except (NotFoundError, ContentError, UsageError):
            self.manifest(found, "companion", depth + 1)
            self.tag(found, tag)
            return
        if there.digest == found.descriptor.digest:
            self.parts += [Part("companion", there, "unchanged"), Part("tag", there, "unchanged", tag)]
        else:
            self.notes.append(f"{tag} was left out: {self._target.name} has another one")


def type_of(parsed: Manifest | Index) -> str:
    """Return the type of an artifact; without one of its own it is that of its config (distribution-spec)."""
    return parsed.artifact_type or ("" if isinstance(parsed, Index) else parsed.config.media_type)
