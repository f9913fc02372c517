"""Signing: hang a bundle on a manifest, once."""

from dataclasses import dataclass
from typing import Literal

from compatbuild.errors import SigningError, UsageError
from compatbuild.registry.artifact import format_created, parse_created
from compatbuild.registry.attach import push_artifact
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.store import Store, Via
from compatbuild.signing import bundle, manifest, signatures, statement
from compatbuild.signing.keys import Signer
from compatbuild.signing.signatures import Format


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is there now: ``state`` says whether by this call, ``via`` how readers find it."""

    descriptor: Descriptor
    subject: Descriptor
    state: Literal["created", "unchanged"]
    via: Via


def sign(store: Store, subject: Descriptor, signer: Signer, created: str, *, force: bool = False) -> Signed:
    """Hang a signature on a manifest, the one of an image or of an artifact, as ``cosign sign`` would.

    Nothing is added where this key's signature is already there in the same format. ``created`` is RFC 3339 and only
    informs. Errors: SigningError when the signer fails, or, unless ``force``, when the manifest has signatures in
    cosign's older format only (see ``_keep_legacy``); ReferrersError when readers would not find the signature.
    """
    moment = parse_created(created)
    if moment is None:
        raise UsageError(f"{created!r} is no time of creation", why="it is not YYYY-MM-DDTHH:MM:SSZ")
    found = signatures.find(store, subject, (signer.public_key,))
    ours = next((one for one in found if one.counts and one.format is Format.BUNDLE), None)
    if ours is not None:
        return Signed(ours.descriptor, subject, "unchanged", store.add_referrer(ours.descriptor, subject.digest))
    if not force:
        _keep_legacy(found, subject)
    content = bundle.build(statement.build(store.repository, subject.digest), signer)
    via, descriptor = push_artifact(store, manifest.build(content, subject, format_created(moment)), subject)
    return Signed(descriptor, subject, "created", via)


def _keep_legacy(found: tuple[signatures.Signature, ...], subject: Descriptor) -> None:
    """Raise SigningError when a bundle would hide the signatures there are.

    ``cosign verify`` 3.1 stops looking at signatures in the older format as soon as any bundle is attached. Even one
    by the same key would change the verdict: it has no entry in the transparency log and none of the annotations.
    """
    formats = {one.format for one in found}
    if formats == {Format.LEGACY}:
        raise SigningError(
            f"{subject.digest} is signed in cosign's older format only",
            why="with a signature in the bundle format beside it, 'cosign verify' no longer sees the older one",
            remedy="keep that signature ('compatbuild verify' takes it), or force a new one and tell all who verify",
        )
