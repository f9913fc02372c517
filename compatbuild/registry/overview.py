"""What is attached to an image, and what is attached to that: the whole tree, as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compatbuild.registry.candidates import Referrer, referrers_of
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.store import Store
from compatbuild.registry.subject import Subject

MAX_DEPTH = 2
"""Image, artifact, signature: nothing that refers to a signature is looked at."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One referrer and what refers to it in turn; ``referrer.rejected`` says why it does not count, else empty."""

    referrer: Referrer
    attachments: tuple["Attachment", ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """One manifest of an image with all that is attached to it.

    ``standing`` says by digest how a manifest is signed, where somebody looked; ``nfd_takes`` is the digest of the
    artifact that NFD's own client would use, empty when it would find none, None where it cannot read or was not asked.
    """

    subject: Subject
    attachments: tuple[Attachment, ...]
    standing: Mapping[str, str] = field(default_factory=dict)
    nfd_takes: str | None = None


def overview(store: Store, subject: Subject) -> Overview:
    """Return everything listed as referring to a manifest, each fetched and compared with it."""
    return Overview(subject, _attached(store, subject.descriptor, MAX_DEPTH))


def _attached(store: Store, descriptor: Descriptor, depth: int) -> tuple[Attachment, ...]:
    if depth == 0:
        return ()
    found = sorted(
        referrers_of(store, descriptor), key=lambda one: (one.descriptor.artifact_type, one.descriptor.digest)
    )
    return tuple(Attachment(one, () if one.rejected else _attached(store, one.descriptor, depth - 1)) for one in found)
