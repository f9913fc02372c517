"""Sign an image together with its specification, and verify both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, creation_date, open_target
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject
    from compatbuild.signing.sign import Author, Signed, SignOptions
    from compatbuild.signing.signatures import Trusted
    from compatbuild.signing.verify import Policy, Verdict, Verified


@dataclass(frozen=True)
class SignedPair:
    """The signatures on one image and on the specification in force for it: one without the other proves nothing.

    One of each a format; ``attestation`` is None unless one was asked for.
    """

    subject: "Subject"
    spec: tuple["Signed", ...]
    image: tuple["Signed", ...]
    attestation: "Signed | None" = None

    @property
    def all(self) -> tuple["Signed", ...]:
        """All of them, in the order of work."""
        return (*self.spec, *self.image, *((self.attestation,) if self.attestation else ()))


def sign(
    reference: str,
    signer: "Author",
    *,
    how: "SignOptions | None" = None,
    platform: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple[SignedPair, ...]:
    """Sign an image and the specification in force for it; of an index, every platform too.

    NotFoundError when an image has no specification: there is nothing to say about it beyond what cosign says.
    """
    target = open_target(reference, options)
    return tuple(sign_subject(target.store, subject, signer, how) for subject in target.subjects(platform))


def sign_subject(store: "Store", subject: "Subject", signer: "Author", how: "SignOptions | None") -> SignedPair:
    """Sign a manifest and the specification in force for it, each unless its author has signed it already."""
    from compatbuild.registry.attach import pull as pull_artifact
    from compatbuild.signing import attestation
    from compatbuild.signing.sign import SignOptions, attest
    from compatbuild.signing.sign import sign as sign_manifest

    how = how or SignOptions()
    content, spec = pull_artifact(store, subject.descriptor)
    created = creation_date()
    about = (store.repository, subject.descriptor.digest, spec, content)
    return SignedPair(
        subject,
        spec=sign_manifest(store, spec.descriptor.bare(), signer, created, how),
        image=sign_manifest(store, subject.descriptor, signer, created, how),
        attestation=attest(store, subject.descriptor, signer, created, said=attestation.build(*about), options=how)
        if how.attest
        else None,
    )


def verify(
    reference: str,
    trusted: "Sequence[Trusted]",
    *,
    platform: str | None = None,
    annotations: Mapping[str, str] | None = None,
    strict: bool = False,
    spec_digest: str = "",
    not_before: datetime | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple["Verified", ...]:
    """Verify an image and its specification; an index together with every platform, unless ``platform`` names one.

    ``trusted`` are public keys and identities, any of which will do; the rest is as in ``Policy``. Returns one verdict
    a manifest; VerificationError for the first that does not pass.
    """
    from compatbuild.signing.verify import Policy

    policy = Policy(tuple(trusted), annotations or {}, spec_digest, not_before, strict)
    return tuple(one.required() for one in judge(reference, policy, platform=platform, options=options))


def judge(
    reference: str, policy: "Policy", *, platform: str | None = None, options: RegistryOptions = DEFAULT_OPTIONS
) -> tuple["Verdict", ...]:
    """Return what there is to know of each manifest, and whether it passes: as ``verify``, but raising no verdict."""
    from compatbuild.signing.verify import judge_by

    target = open_target(reference, options)
    return tuple(judge_by(policy, target.store, subject.descriptor) for subject in target.subjects(platform))
