"""Every signature that hangs on a manifest, in each place cosign puts them, and whose it is.

Both places are looked at always: bundles among the referrers, and the older format under a tag (or, from an
experimental mode of cosign 2, among the referrers too).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from compatbuild.errors import CompatError, NotFoundError, UsageError, VerificationError
from compatbuild.registry.candidates import Referrer, referrers_of
from compatbuild.registry.descriptor import Descriptor, Manifest
from compatbuild.registry.digest import ContentError
from compatbuild.registry.reference import TAG
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, keyless, legacy, statement
from compatbuild.signing.dsse import PAYLOAD_TYPE
from compatbuild.signing.identity import Identity
from compatbuild.signing.keyless import Certificate
from compatbuild.signing.keys import PublicKey

NONE_OF_THEM = "made by none of the given keys"
CERTIFIED = "made with a certificate in the older format, which is read with keys only"


class Format(StrEnum):
    """How a signature is written: a sigstore bundle, or cosign's older payload and annotation."""

    BUNDLE = "bundle"
    LEGACY = "legacy"


Trusted = PublicKey | Identity
"""Whose signature counts: the owner of a key, or an identity that a certificate names."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was found; it counts when ``reason`` is empty, and then ``by`` made it.

    ``descriptor`` is that of the manifest that carries a bundle, or of the layer that is a legacy payload; without a
    media type, that of the subject whose legacy tag cannot be read. ``certificate`` is what the certificate says, where
    one was verified; ``time`` is when it was made at the latest, where a time stamp or a log vouches for that.
    """

    format: Format
    descriptor: Descriptor
    by: Trusted | None = None
    reason: str = ""
    certificate: Certificate | None = None
    time: datetime | None = None
    logged: bool = False

    @property
    def counts(self) -> bool:
        """Whether one of those asked for signed exactly the manifest asked about, as an image is signed."""
        return self.by is not None and not self.reason

    @property
    def key(self) -> PublicKey | None:
        """The key that made it, None when none of the keys did."""
        return self.by if isinstance(self.by, PublicKey) else None

    def as_json(self) -> dict[str, str | bool]:
        """Return the signature for programs; ``key`` is the fingerprint, empty when none of the keys made it."""
        return {
            "format": self.format.value,
            "digest": self.descriptor.digest,
            "key": self.key.fingerprint if self.key else "",
            "identity": self.certificate.identity if self.certificate else "",
            "issuer": self.certificate.issuer if self.certificate else "",
            "time": f"{self.time:%Y-%m-%dT%H:%M:%SZ}" if self.time else "",
            "logged": self.logged,
            "counts": self.counts,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What each signature is asked: whether it is on ``digest``, by one of ``trusted``, with these ``annotations``."""

    digest: str
    trusted: Sequence[Trusted]
    annotations: Mapping[str, str]

    def lacks(self, annotations: Mapping[str, Any]) -> str:
        """Say which annotation that was asked for a signature does not carry; empty when all are there."""
        for name, value in sorted(self.annotations.items()):
            if annotations.get(name) != value:
                return f"it does not carry the annotation {name}={value}"
        return ""


def find(
    store: Store, subject: Descriptor, trusted: Sequence[Trusted], annotations: Mapping[str, str] | None = None
) -> tuple[Signature, ...]:
    """Return all signatures hung on ``subject``, each judged by whom is trusted and the annotations demanded.

    What is damaged or gone is listed with that reason. RegistryError when the store cannot be asked, ReferrersError
    when it lists more than is looked at.
    """
    question = Question(subject.digest, trusted, annotations or {})
    found: list[Signature] = []
    for referrer in referrers_of(store, subject):
        found += _of_referrer(store, referrer, question)
    return (*found, *_of_tag(store, question))


def read_bundle(store: Store, manifest: Manifest) -> bundle.Bundle:
    """Return the bundle a manifest carries; ContentError, NotFoundError or VerificationError when there is none."""
    return bundle.parse(store.blob(_only_layer(manifest), bundle.LIMIT))


def made_by(envelope: bundle.Bundle, trusted: Trusted) -> bool:
    """Tell whether somebody made a bundle, whatever it says."""
    try:
        return _vouched(envelope, (trusted,)).by == trusted
    except VerificationError:
        return False


def _of_referrer(store: Store, referrer: Referrer, question: Question) -> Iterator[Signature]:
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
        yield _of_bundle(store, referrer.descriptor, manifest, question)
    else:
        yield from _of_layers(store, manifest, question)


def _of_tag(store: Store, question: Question) -> Iterator[Signature]:
    tag, nowhere = legacy.tag(question.digest), Descriptor("", question.digest, 0)
    if not TAG.fullmatch(tag):
        return  # a tag has no room for SHA-512: nobody can have signed it so
    try:
        manifest = store.resolve(tag).parse()
    except NotFoundError:
        return
    except (ContentError, UsageError) as error:  # malformed, or twice in a layout
        yield Signature(Format.LEGACY, nowhere, reason=_said(error))
        return
    if not isinstance(manifest, Manifest):
        yield Signature(Format.LEGACY, nowhere, reason="its tag holds an index")
        return
    yield from _of_layers(store, manifest, question)


def _of_layers(store: Store, manifest: Manifest, question: Question) -> Iterator[Signature]:
    for layer in manifest.layers[: legacy.MAX_LAYERS]:
        yield _of_layer(store, layer, question)
    for layer in manifest.layers[legacy.MAX_LAYERS :]:
        yield Signature(Format.LEGACY, layer, reason=f"only the first {legacy.MAX_LAYERS} are looked at")


def _of_bundle(store: Store, carrier: Descriptor, manifest: Manifest, question: Question) -> Signature:
    try:
        envelope = read_bundle(store, manifest)
        vouched = _vouched(envelope, question.trusted)
        fault = _fault(envelope, question)
    except (ContentError, NotFoundError, VerificationError) as error:
        return Signature(Format.BUNDLE, carrier, reason=_said(error))
    return Signature(Format.BUNDLE, carrier, vouched.by, fault, vouched.certificate, vouched.time, vouched.logged)


@dataclass(frozen=True, slots=True)
class _Vouched:
    by: Trusted
    certificate: Certificate | None = None
    time: datetime | None = None
    logged: bool = False


def _vouched(envelope: bundle.Bundle, trusted: Sequence[Trusted]) -> _Vouched:
    """Return who made a bundle, of those trusted; VerificationError when it was none of them."""
    if not envelope.certified:
        key = next((one for one in trusted if isinstance(one, PublicKey) and envelope.signed_by(one)), None)
        if key is None:
            raise VerificationError(NONE_OF_THEM)
        return _Vouched(key)
    identities = [one for one in trusted if isinstance(one, Identity)]
    if not identities:
        raise VerificationError("made with a certificate, and no identity was given")
    identity, proof = keyless.verify(envelope, identities)
    return _Vouched(identity, proof.certificate, proof.time, logged=True)


def _of_layer(store: Store, layer: Descriptor, question: Question) -> Signature:
    try:
        signature, payload = legacy.signature(layer), store.blob(layer, legacy.LIMIT)
        keys = [one for one in question.trusted if isinstance(one, PublicKey)]
        key = next((one for one in keys if one.verifies(signature, payload)), None)
        if key is None:
            why = CERTIFIED if legacy.CERTIFICATE in layer.annotations else NONE_OF_THEM
            return Signature(Format.LEGACY, layer, reason=why)
        said = legacy.parse(payload)
    except (ContentError, NotFoundError, VerificationError) as error:
        return Signature(Format.LEGACY, layer, reason=_said(error))
    elsewhere = "" if said.digest == question.digest else f"it is about {said.digest[:80]!a}"
    return Signature(Format.LEGACY, layer, key, elsewhere or question.lacks(said.annotations))


def _only_layer(manifest: Manifest) -> Descriptor:
    if len(manifest.layers) == 1 and manifest.layers[0].media_type == bundle.MEDIA_TYPE:
        return manifest.layers[0]
    raise VerificationError("not exactly one layer with a bundle", remedy="sign again")


def _fault(envelope: bundle.Bundle, question: Question) -> str:
    """Say why what somebody trusted signed is no signature as it is asked for; empty when it is one."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return f"its payload is {envelope.payload_type[:80]!a}"
    said = statement.parse(envelope.payload)
    if said.predicate_type != statement.SIGN:
        # cosign takes an attestation for a signature; we do not: to state a fact about an image is not to vouch for it.
        return f"it is an attestation of type {said.predicate_type[:120]!a}, not a signature"
    if question.digest not in said.digests:
        return f"it is about {min(said.digests, default='nothing')[:80]!a}"
    return question.lacks(said.annotations(question.digest))


def _said(error: CompatError) -> str:
    return f"{error.what}: {error.why}" if error.why else error.what
