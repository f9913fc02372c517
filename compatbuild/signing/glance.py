"""How everything attached to an image is signed, at a glance; a verdict is what ``verify`` is for.

Without anybody to trust all that can be said of a signature is that there is one: anyone who may push can attach one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.overview import Attachment, Overview
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, legacy, signatures
from compatbuild.signing.nfdchoice import nfd_choice
from compatbuild.signing.signatures import Signature, Trusted

SIGNATURES = frozenset({bundle.MEDIA_TYPE, legacy.ARTIFACT_TYPE})
"""Artifact types of what is a signature itself."""
UNSIGNED = "unsigned"
PRESENT = "signature present, not verified"
NOT_VERIFIED = "not verified"
VERIFIED = "verified"
FOREIGN = "not signed by anyone trusted"


def glance(store: Store, found: Overview, trusted: Sequence[Trusted] = ()) -> Overview:
    """Return an overview with how each manifest in it is signed, by its digest, and which one NFD's client would take.

    A damaged signature is told as such. RegistryError when the store cannot be asked.
    """
    said: dict[str, str] = {}
    for descriptor in (found.subject.descriptor, *_signable(found.attachments)):
        said |= _standing(store, descriptor, trusted)
    takes = None if isinstance(store, LayoutStore) else nfd_choice(store.referrers(found.subject.descriptor.digest))
    return replace(found, standing=said, nfd_takes=takes)


def _signable(attachments: Sequence[Attachment]) -> Iterator[Descriptor]:
    for one in attachments:
        if not one.referrer.rejected and one.referrer.descriptor.artifact_type not in SIGNATURES:
            yield one.referrer.descriptor


def _standing(store: Store, descriptor: Descriptor, trusted: Sequence[Trusted]) -> Mapping[str, str]:
    """Return what can be said of a manifest and of each signature on it."""
    found = signatures.find(store, descriptor.bare(), trusted)
    each = {one.descriptor.digest: _told(one, trusted) for one in found}
    if not found:
        return {descriptor.digest: UNSIGNED}
    if not trusted:
        return each | {descriptor.digest: PRESENT}
    return each | {descriptor.digest: VERIFIED if any(one.counts for one in found) else FOREIGN}


def _told(one: Signature, trusted: Sequence[Trusted]) -> str:
    if one.counts:
        return VERIFIED
    return one.reason if trusted else NOT_VERIFIED
