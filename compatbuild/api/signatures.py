"""Sign an image together with its specification, and verify both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, creation_date, open_target
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject
    from compatbuild.signing.keys import PublicKey, Signer
    from compatbuild.signing.sign import Signed
    from compatbuild.signing.verify import Verified


@dataclass(frozen=True)
class SignedPair:
    """The signatures on one image and on the specification in force for it: one without the other proves nothing."""

    subject: "Subject"
    spec: "Signed"
    image: "Signed"


def sign(
    reference: str,
    signer: "Signer",
    *,
    platform: str | None = None,
    force: bool = False,
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple[SignedPair, ...]:
    """Sign an image and the specification in force for it; of an index, every platform too.

    NotFoundError when an image has no specification: there is nothing to say about it beyond what cosign says.
    """
    target = open_target(reference, options)
    return tuple(sign_subject(target.store, subject, signer, force=force) for subject in target.subjects(platform))


def sign_subject(store: "Store", subject: "Subject", signer: "Signer", *, force: bool) -> SignedPair:
    """Sign a manifest and the specification in force for it, each unless the key has signed it already."""
    from compatbuild.registry.attach import pull as pull_artifact
    from compatbuild.signing.sign import sign as sign_manifest

    _, spec = pull_artifact(store, subject.descriptor)
    created = creation_date()
    return SignedPair(
        subject,
        spec=sign_manifest(store, spec.descriptor.bare(), signer, created, force=force),
        image=sign_manifest(store, subject.descriptor, signer, created, force=force),
    )


def verify(
    reference: str,
    keys: Sequence["PublicKey"],
    *,
    platform: str | None = None,
    strict: bool = False,
    spec_digest: str = "",
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple["Verified", ...]:
    """Verify an image and its specification; an index together with every platform, unless ``platform`` names one.

    Returns one verdict a manifest; VerificationError for the first that does not pass.
    """
    from compatbuild.signing.verify import verify as verify_manifest

    target = open_target(reference, options)
    return tuple(
        verify_manifest(target.store, subject.descriptor, keys, strict=strict, spec_digest=spec_digest)
        for subject in target.subjects(platform)
    )
