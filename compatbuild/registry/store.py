"""A place that keeps manifests, blobs and referrers: a repository of a registry, or an OCI layout directory.

Everything above this room works on a ``Store`` and does not know which of the two it has.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import BinaryIO, Protocol

from compatbuild.registry.descriptor import Descriptor, ManifestBytes
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import LayoutReference, Reference


class Via(StrEnum):
    """How readers find a referrer: by the registry's API, under the tag of the fallback, or in ``index.json``.

    ``TAG`` is no referrer's: a signature in cosign's older format has a tag of its own.
    """

    API = "api"
    FALLBACK = "fallback"
    LAYOUT = "layout"
    TAG = "tag"


class Store(Protocol):
    """What both kinds of store can do.

    Every method may raise RegistryError (AuthenticationError among them), NotFoundError for what is not there, and
    ContentError for content that is not what its digest or media type says. Returned content is checked, except where
    said.
    """

    @property
    def name(self) -> str:
        """How messages call the store."""

    @property
    def repository(self) -> str:
        """How signatures call it: host and repository, or the name of the directory."""

    def resolve(self, selector: str) -> ManifestBytes:
        """Return the manifest or index of a tag or digest; empty asks a layout for the only image in it."""

    def manifest(self, digest: str) -> ManifestBytes:
        """Return the manifest or index with a digest."""

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob of any size for reading once. The size is checked; **the caller checks the digest**."""

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes of a blob from an offset. **The caller checks what they are**."""

    def tags(self) -> tuple[str, ...]:
        """Return all tags, in no order to rely on."""

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor:
        """Store a blob unless it is there."""

    def has(self, descriptor: Descriptor) -> bool:
        """Whether a manifest or blob of that digest and size is there; what a registry says is believed."""

    def copy_blob(self, descriptor: Descriptor, source: "Store") -> bool:
        """Bring a blob over from another store, digest and size checked; False when its bytes need not pass here.

        No more than a few MB of it are held at a time.
        """

    def push_manifest(self, raw: bytes, media_type: str, tag: str | None = None) -> Descriptor:
        """Store a manifest or index, and let ``tag`` name it."""

    def referrers(self, subject: str) -> tuple[Descriptor, ...]:
        """Return what is listed as referring to a digest. **Only digests in it can be relied on**: fetch and look."""

    @property
    def via(self) -> Via:
        """How referrers were listed when they were last asked for."""

    def add_referrer(self, artifact: Descriptor, subject: str) -> Via:
        """See to it that readers find a pushed manifest among the referrers of its subject, and make sure they do.

        ReferrersError when they do not; calling it again continues.
        """

    def add_referrers(self, artifacts: Sequence[Descriptor], subject: str) -> Via:
        """See to several referrers of one subject in one go."""

    def restore_referrers(self, subject: str) -> tuple[Descriptor, ...]:
        """List again what was attached durably and is no longer listed; return what that is."""

    def remove_referrer(self, digest: str, subject: str) -> None:
        """Delete a referrer's manifest and what lists it."""

    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest."""


def open_store(reference: Reference | LayoutReference, options: RegistryOptions | None = None) -> Store:
    """Return the store a reference is in; nothing is asked of a registry yet.

    Errors: NotFoundError when there is no such layout directory, ContentError when a directory is no OCI layout.
    """
    if isinstance(reference, LayoutReference):
        from compatbuild.registry.layout import LayoutStore  # noqa: PLC0415 - a registry needs no layout

        return LayoutStore(reference.path)
    from compatbuild.registry.repository import RegistryRepository  # noqa: PLC0415 - nor a layout a registry

    return RegistryRepository(reference, options or RegistryOptions())
