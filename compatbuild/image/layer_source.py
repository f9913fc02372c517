"""What a layer is to whoever reads images: digests, a size, and the facts that it tells when asked.

How a layer is read is loaded with the first that is: an image whose report is known asks none.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from compatbuild.image.decompress import Readable
    from compatbuild.image.layer_facts import LayerFacts
    from compatbuild.image.limits import Limits
    from compatbuild.image.wanted import Wanted

UNKNOWN_SIZE = -1

Tick = Callable[[int], None]
"""Told of so many stored bytes read; may raise to end the reading."""


@dataclass(frozen=True)
class Scan:
    """What a layer is read for: what is wanted of it, the limits, and who is told how far it got."""

    wanted: "Wanted"
    limits: "Limits"
    tick: Tick


class LayerSource(Protocol):
    """A layer that can say what it holds.

    ``digest`` is that of what is read, as a rule the stored bytes, ``diff_id`` that of the uncompressed layer as the
    config gives it; either is empty for what has none. ``size`` is the bytes to read, so that the largest can be begun
    first.
    """

    @property
    def digest(self) -> str:
        """The digest of what is read."""

    @property
    def diff_id(self) -> str:
        """The digest of the uncompressed layer."""

    @property
    def size(self) -> int:
        """Bytes to read."""

    def facts(self, scan: Scan) -> "LayerFacts":
        """Read the layer; ImageError when it is not what it claims to be."""


@dataclass(frozen=True)
class BlobLayer:
    """A layer stored as a tar archive, compressed or not.

    ``digest`` is that of the stored bytes, empty where the source has none (a docker archive names a layer by its diff
    ID only); ``size`` the stored bytes, UNKNOWN_SIZE where nobody says; ``open`` gives the bytes.
    """

    name: str
    digest: str
    size: int
    diff_id: str
    media_type: str
    open: Callable[[], AbstractContextManager["Readable"]]

    def facts(self, scan: Scan) -> "LayerFacts":
        """Stream the layer once; ImageError says which layer it is, and what is wrong with it."""
        from compatbuild.image.layer import blob_facts  # noqa: PLC0415 - see above

        return blob_facts(self, scan)


@dataclass(frozen=True)
class UnreadLayer:
    """A layer that is not read, and why: its place in the order of layers stays."""

    name: str
    diff_id: str
    why: str
    digest: str = ""
    size: int = 0

    def facts(self, scan: Scan) -> "LayerFacts":  # noqa: ARG002 - the protocol's signature
        """Return facts that hold nothing but the reason."""
        from compatbuild.image.layer_facts import LayerFacts  # noqa: PLC0415 - see above

        return LayerFacts(skipped=((self.name, self.why),))
