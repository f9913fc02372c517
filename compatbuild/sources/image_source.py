"""What every source gives: a config, and layers that can be read."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from compatbuild.cache import Cache
from compatbuild.image.decompress import Readable
from compatbuild.image.layer_source import LayerSource
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import Descriptor, ManifestBytes

Say = Callable[[str], None]
"""Told in one line what was chosen where the user left a choice."""


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants beside a name: ``platform`` as typed (empty for no wish), and who is told of choices, limits.

    ``every`` asks for all images of an index; a source that has but one gives that one. ``cache`` is where a source may
    look before it asks for more than it must. ``trust_toc`` lets layers be read by their own tables of contents.
    """

    platform: str = ""
    say: Say = silent
    every: bool = False
    limits: Limits = DEFAULT
    cache: Cache | None = None
    trust_toc: bool = False


@dataclass(frozen=True)
class ImageSource:
    """One image, ready to be read.

    ``scheme`` is the prefix without its colon (``oci-dir``), ``reference`` what stands behind it; ``digest`` is that of
    the image's manifest, empty where there is none that a registry would know (docker archives, directories).
    ``layers`` are lowest first; ``annotations`` are the manifest's. ``settled`` is there where ``config`` is hearsay:
    the image's own, known once its layers have been read, and ``image_id`` is then the digest that it is kept under.
    ``index`` is there where all images of one were asked for.
    """

    scheme: str
    reference: str
    digest: str
    config: ImageConfig
    layers: tuple[LayerSource, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    settled: Callable[[], ImageConfig] | None = None
    image_id: str = ""
    index: "IndexSource | None" = None

    def own_config(self) -> ImageConfig:
        """Return the image's own config, once its layers have been read; ImageError when it is not there."""
        return self.settled() if self.settled is not None else self.config


@dataclass(frozen=True)
class IndexSource:
    """All images of an index that can be read; ``missing`` are platforms that cannot, and why."""

    digest: str
    images: tuple[ImageSource, ...]
    missing: tuple[tuple[str, str], ...] = ()


class Content(Protocol):
    """Manifests and blobs by digest; every ``registry.store.Store`` is one."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def manifest(self, digest: str) -> ManifestBytes:
        """Return the manifest or index with a digest; NotFoundError when it is not there."""

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes, its digest checked."""

    def open_blob(self, descriptor: Descriptor) -> AbstractContextManager[Readable]:
        """Open a blob of any size for reading once; the caller checks the digest."""

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes of a blob; the caller checks what they are."""
