"""Every signature that hangs on a manifest, in each place cosign puts them, and whose it is.

Both places are looked at always: bundles among the referrers, and the older format under a tag (or, from an
experimental mode of cosign 2, among the referrers too).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from compatbuild.errors import CompatError, NotFoundError, UsageError, VerificationError
from compatbuild.registry.candidates import Referrer, referrers_of
from compatbuild.registry.descriptor import Descriptor, Manifest
from compatbuild.registry.digest import ContentError
from compatbuild.registry.reference import TAG
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, legacy, statement
from compatbuild.signing.dsse import PAYLOAD_TYPE
from compatbuild.signing.keys import PublicKey


class Format(StrEnum):
    """How a signature is written: a sigstore bundle, or cosign's older payload and annotation."""

    BUNDLE = "bundle"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was found; it counts when ``reason`` is empty, and then ``key`` made it.

    ``descriptor`` is that of the manifest that carries a bundle, or of the layer that is a legacy payload; without a
    media type, that of the subject whose legacy tag cannot be read.
    """

    format: Format
    descriptor: Descriptor
    key: PublicKey | None = None
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether one of the keys asked for signed exactly the manifest asked about, as an image is signed."""
        return self.key is not None and not self.reason

    def as_json(self) -> dict[str, str | bool]:
        """Return the signature for programs; ``key`` is the fingerprint, empty when none of the keys made it."""
        return {
            "format": self.format.value,
            "digest": self.descriptor.digest,
            "key": self.key.fingerprint if self.key else "",
            "counts": self.counts,
            "reason": self.reason,
        }


def find(store: Store, subject: Descriptor, keys: Sequence[PublicKey]) -> tuple[Signature, ...]:
    """Return all signatures hung on ``subject``, each judged by ``keys``.

    What is damaged or gone is listed with that reason. RegistryError when the store cannot be asked, ReferrersError
    when it lists more than is looked at.
    """
    found: list[Signature] = []
    for referrer in referrers_of(store, subject):
        found += _of_referrer(store, referrer, subject.digest, keys)
    return (*found, *_of_tag(store, subject.digest, keys))


def _of_referrer(store: Store, referrer: Referrer, digest: str, keys: Sequence[PublicKey]) -> Iterator[Signature]:
    manifest = referrer.manifest
    kind = (
        referrer.descriptor.artifact_type if manifest is None else manifest.artifact_type or manifest.config.media_type
    )
    if kind not in {bundle.MEDIA_TYPE, legacy.ARTIFACT_TYPE}:
        return
    if manifest is None or referrer.rejected:
        form = Format.BUNDLE if kind == bundle.MEDIA_TYPE else Format.LEGACY
        yield Signature(form, referrer.descriptor, reason=referrer.rejected)
    elif kind == bundle.MEDIA_TYPE:
        yield _of_bundle(store, referrer.descriptor, manifest, digest, keys)
    else:
        yield from _of_layers(store, manifest, digest, keys)


def _of_tag(store: Store, digest: str, keys: Sequence[PublicKey]) -> Iterator[Signature]:
    tag = legacy.tag(digest)
    if not TAG.fullmatch(tag):
        return  # a tag has no room for SHA-512: nobody can have signed it so
    try:
        manifest = store.resolve(tag).parse()
    except NotFoundError:
        return
    except (ContentError, UsageError) as error:  # malformed, or twice in a layout
        yield Signature(Format.LEGACY, Descriptor("", digest, 0), reason=_said(error))
        return
    if not isinstance(manifest, Manifest):
        yield Signature(Format.LEGACY, Descriptor("", digest, 0), reason="its tag holds an index")
        return
    yield from _of_layers(store, manifest, digest, keys)


def _of_layers(store: Store, manifest: Manifest, digest: str, keys: Sequence[PublicKey]) -> Iterator[Signature]:
    for layer in manifest.layers[: legacy.MAX_LAYERS]:
        yield _of_layer(store, layer, digest, keys)
    for layer in manifest.layers[legacy.MAX_LAYERS :]:
        yield Signature(Format.LEGACY, layer, reason=f"only the first {legacy.MAX_LAYERS} are looked at")


def _of_bundle(
    store: Store, carrier: Descriptor, manifest: Manifest, digest: str, keys: Sequence[PublicKey]
) -> Signature:
    try:
        envelope = bundle.parse(store.blob(_only_layer(manifest), bundle.LIMIT))
        key = next((key for key in keys if envelope.signed_by(key)), None)
        if key is None:
            return Signature(Format.BUNDLE, carrier, reason="made by none of the given keys")
        reason = _fault(envelope, digest)
    except (ContentError, NotFoundError, VerificationError) as error:
        return Signature(Format.BUNDLE, carrier, reason=_said(error))
    return Signature(Format.BUNDLE, carrier, key, reason)


def _of_layer(store: Store, layer: Descriptor, digest: str, keys: Sequence[PublicKey]) -> Signature:
    try:
        signature, payload = legacy.signature(layer), store.blob(layer, legacy.LIMIT)
        key = next((key for key in keys if key.verifies(signature, payload)), None)
        if key is None:
            return Signature(Format.LEGACY, layer, reason="made by none of the given keys")
        signed = legacy.signed_digest(payload)
    except (ContentError, NotFoundError, VerificationError) as error:
        return Signature(Format.LEGACY, layer, reason=_said(error))
    return Signature(Format.LEGACY, layer, key, "" if signed == digest else f"it is about {signed[:80]!a}")


def _only_layer(manifest: Manifest) -> Descriptor:
    if len(manifest.layers) == 1 and manifest.layers[0].media_type == bundle.MEDIA_TYPE:
        return manifest.layers[0]
    raise VerificationError("not exactly one layer with a bundle", remedy="sign again")


def _fault(envelope: bundle.Bundle, digest: str) -> str:
    """Say why what a key of ours signed is no signature on ``digest``; empty when it is one."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return f"its payload is {envelope.payload_type[:80]!a}"
    said = statement.parse(envelope.payload)
    if said.predicate_type != statement.SIGN:
        # cosign takes an attestation for a signature; we do not: to state a fact about an image is not to vouch for it.
        return f"it is an attestation of type {said.predicate_type[:120]!a}, not a signature"
    if digest not in said.digests:
        return f"it is about {min(said.digests, default='nothing')[:80]!a}"
    return ""


def _said(error: CompatError) -> str:
    return f"{error.what}: {error.why}" if error.why else error.what
