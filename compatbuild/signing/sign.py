"""Signing: hang a bundle on a manifest, or add to its signatures in cosign's older format, once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from compatbuild.errors import NotFoundError, SigningError, UsageError, VerificationError
from compatbuild.registry.artifact import format_created, parse_created
from compatbuild.registry.attach import push_artifact
from compatbuild.registry.candidates import referrers_of
from compatbuild.registry.descriptor import Descriptor, Manifest
from compatbuild.registry.digest import ContentError
from compatbuild.registry.store import Store, Via
from compatbuild.signing import attestation, bundle, legacy, manifest, olderformat, signatures, statement
from compatbuild.signing.certified import KeylessSigner
from compatbuild.signing.keys import Signer
from compatbuild.signing.signatures import Format, Signature
from compatbuild.signing.witness import Witnesses

Author = Signer | KeylessSigner
"""Whoever signs: with a key, or with a certificate that names who it is."""
MAX_ANNOTATIONS = 64
MAX_ANNOTATION = 4096  # letters of a name or a value
BUNDLE_ONLY = (Format.BUNDLE,)


@dataclass(frozen=True, slots=True)
class SignOptions:
    """How to sign: the formats, annotations that are signed along, and witnesses of signatures by a key.

    ``attest`` adds an in-toto attestation of the specification to the image. ``force`` signs, or attests, although
    ``cosign verify`` will then overlook a signature that is there in the older format.
    """

    formats: tuple[Format, ...] = BUNDLE_ONLY
    annotations: Mapping[str, str] = field(default_factory=dict)
    witnesses: Witnesses = field(default_factory=Witnesses)
    attest: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        long = any(len(text) > MAX_ANNOTATION for pair in self.annotations.items() for text in pair)
        if len(self.annotations) > MAX_ANNOTATIONS or long:
            raise UsageError(
                "these annotations are too many or too long to be signed",
                why=f"at most {MAX_ANNOTATIONS} of {MAX_ANNOTATION} letters are read",
            )


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is there now: ``state`` says whether by this call, ``via`` how readers find it."""

    descriptor: Descriptor
    subject: Descriptor
    state: Literal["created", "unchanged"]
    via: Via
    format: Format = Format.BUNDLE


@dataclass(frozen=True, slots=True)
class _Work:
    """What is signed, where, by whom and how; ``created`` is RFC 3339 in UTC."""

    store: Store
    subject: Descriptor
    author: Author
    options: SignOptions
    created: str

    @property
    def trusted(self) -> signatures.Trusted:
        """Whom a verifier has to trust."""
        return self.author.identity if isinstance(self.author, KeylessSigner) else self.author.public_key

    def bundle(self, said: bytes) -> bytes:
        """Sign a statement."""
        if isinstance(self.author, KeylessSigner):
            return self.author.bundle(said)
        return bundle.build(said, self.author, self.options.witnesses)

    def hang(self, content: bytes, predicate_type: str = statement.SIGN) -> Signed:
        """Hang a bundle on the subject."""
        artifact = manifest.build(content, self.subject, self.created, predicate_type=predicate_type)
        via, descriptor = push_artifact(self.store, artifact, self.subject)
        return Signed(descriptor, self.subject, "created", via)

    def there(self, descriptor: Descriptor, form: Format = Format.BUNDLE) -> Signed:
        """Return what is there already; a bundle is listed again where an earlier call was interrupted."""
        via = Via.TAG if form is Format.LEGACY else self.store.add_referrer(descriptor, self.subject.digest)
        return Signed(descriptor, self.subject, "unchanged", via, form)


def sign(
    store: Store, subject: Descriptor, author: Author, created: str, options: SignOptions | None = None
) -> tuple[Signed, ...]:
    """Sign a manifest, the one of an image or of an artifact, as ``cosign sign`` would, in each of the formats wanted.

    Nothing is added where the author's signature is already there in that format, with the same annotations.
    ``created`` is RFC 3339 and only informs. Errors: SigningError when the signer fails, or, unless forced, when the
    manifest has signatures in cosign's older format only, none of them the author's (see ``_keep_legacy``);
    ReferrersError when readers would not find the signature.
    """
    work = _work(store, subject, author, created, options)
    if isinstance(author, KeylessSigner) and set(work.options.formats) != {Format.BUNDLE}:
        raise UsageError(
            "a keyless signature is written as a bundle only",
            why="the older format has no room for all that proves its time",
            remedy="leave out --signature-format, or sign with a key",
        )
    found = signatures.find(store, subject, (work.trusted,), work.options.annotations)
    ours = {one.format: one.descriptor for one in found if one.counts}
    return tuple(
        work.there(ours[form], form) if form in ours else _add(work, form, found)
        for form in _needed(found, set(ours), work.options)
    )


def attest(
    store: Store, subject: Descriptor, author: Author, created: str, *, said: bytes, options: SignOptions | None = None
) -> Signed:
    """Hang a statement about a specification (``attestation.build``) on the image it is for, once.

    SigningError, unless forced, when the image has no signature of the author's in the bundle format: ``cosign verify``
    would take the attestation for one, and overlook those in the older format.
    """
    work = _work(store, subject, author, created, options)
    found = signatures.find(store, subject, (work.trusted,))
    if not work.options.force and not any(one.counts and one.format is Format.BUNDLE for one in found):
        raise SigningError(
            f"{subject.digest} has no signature of yours as a bundle, so it gets no attestation",
            why="'cosign verify' would take the attestation for a signature, and no longer look at the older format",
            remedy="sign the image in the bundle format first, or force it and tell all who verify",
        )
    for carrier, envelope in _bundles(store, subject):
        if envelope.payload == said and signatures.made_by(envelope, work.trusted):
            return work.there(carrier)
    return work.hang(work.bundle(said), attestation.PREDICATE_TYPE)


def _work(store: Store, subject: Descriptor, author: Author, created: str, options: SignOptions | None) -> _Work:
    moment = parse_created(created)
    if moment is None:
        raise UsageError(f"{created!r} is no time of creation", why="it is not YYYY-MM-DDTHH:MM:SSZ")
    return _Work(store, subject, author, options or SignOptions(), format_created(moment))


def _needed(found: tuple[Signature, ...], ours: set[Format], options: SignOptions) -> tuple[Format, ...]:
    """Return the formats to see to: an image with signatures in the older format only, one of them ours, keeps it."""
    only_legacy = bool(found) and {one.format for one in found} == {Format.LEGACY}
    if options.formats == BUNDLE_ONLY and only_legacy and Format.LEGACY in ours and not options.force:
        return (Format.LEGACY,)
    # The older format first: a bundle that is there already must not keep the other from being written.
    return tuple(sorted(dict.fromkeys(options.formats), reverse=True))


def _add(work: _Work, form: Format, found: tuple[Signature, ...]) -> Signed:
    store, subject, annotations = work.store, work.subject, work.options.annotations
    if form is Format.LEGACY:
        assert not isinstance(work.author, KeylessSigner)
        payload = legacy.build(store.repository, subject.digest, annotations)
        layer = olderformat.add(store, subject.digest, payload, work.author.sign(payload))
        return Signed(layer, subject, "created", Via.TAG, form)
    if not work.options.force:
        _keep_legacy(found, subject)
    return work.hang(work.bundle(statement.build(store.repository, subject.digest, annotations=annotations)))


def _bundles(store: Store, subject: Descriptor) -> Iterator[tuple[Descriptor, bundle.Bundle]]:
    """Yield the bundles on a manifest that can be read, with what carries them."""
    for referrer in referrers_of(store, subject):
        if isinstance(referrer.manifest, Manifest) and referrer.manifest.artifact_type == bundle.MEDIA_TYPE:
            try:
                yield referrer.descriptor, signatures.read_bundle(store, referrer.manifest)
            except (ContentError, NotFoundError, VerificationError):
                continue


def _keep_legacy(found: tuple[Signature, ...], subject: Descriptor) -> None:
    """Raise SigningError when a bundle would hide the signatures there are.

    ``cosign verify`` 3.1 stops looking at signatures in the older format as soon as any bundle is attached. Even one
    by the same key would change the verdict: it has no entry in the transparency log and none of the annotations.
    """
    if {one.format for one in found} == {Format.LEGACY}:
        raise SigningError(
            f"{subject.digest} is signed in cosign's older format only",
            why="with a signature in the bundle format beside it, 'cosign verify' no longer sees the older one",
            remedy="sign with --signature-format legacy, or force a bundle and tell all who verify",
        )
