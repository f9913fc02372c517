"""Specifications and reports beside an image: attach, detach, pull, show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compatbuild.api.reading import require_valid
from compatbuild.api.targets import DEFAULT_OPTIONS, creation_date, open_target, provenance
from compatbuild.errors import NotFoundError, VerificationError
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.registry.anchors import Restored
    from compatbuild.registry.attach import Attached
    from compatbuild.registry.candidates import Candidate
    from compatbuild.registry.overview import Overview
    from compatbuild.signing.signatures import Trusted
    from compatbuild.signing.verify import Policy


def attach(
    reference: str, spec: bytes, *, platform: str | None = None, options: RegistryOptions = DEFAULT_OPTIONS
) -> tuple["Attached", ...]:
    """Attach a specification to an image; to an index and every platform in it, unless ``platform`` names one."""
    from compatbuild.registry.attach import attach as attach_spec

    require_valid(spec, "the specification")
    target = open_target(reference, options)
    created, annotations = creation_date(), provenance()
    return tuple(
        attach_spec(target.store, subject.descriptor, spec, annotations, created, derived=True)
        for subject in target.subjects(platform)
    )


def detach(
    reference: str,
    *,
    digest: str | None = None,
    platform: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple[str, ...]:
    """Take specifications and reports off an image, or only the artifact with ``digest``; return their digests."""
    from compatbuild.registry.attach import detach as take_off

    target = open_target(reference, options)
    gone: list[str] = []
    for subject in target.subjects(platform):
        try:
            gone += take_off(target.store, subject.descriptor, digest)
        except NotFoundError:
            continue  # an index and its platforms need not all have something
    if not gone:
        raise NotFoundError(
            f"nothing to detach from {reference}",
            why=f"no artifact {digest} is attached to it" if digest else "no specification or report is attached to it",
            remedy="`compatbuild show` lists what is",
        )
    return tuple(gone)


def repair(
    reference: str, *, platform: str | None = None, options: RegistryOptions = DEFAULT_OPTIONS
) -> tuple["Restored", ...]:
    """List again what was attached durably to an image, or to what is attached to it, and has been dropped since.

    Of an index every platform too, unless ``platform`` names one. Where the registry itself keeps the list, and in
    OCI layouts, nothing can be missing.
    """
    from compatbuild.registry.anchors import Restored
    from compatbuild.registry.candidates import referrers_of

    target = open_target(reference, options)
    found: list[Restored] = []
    for subject in target.subjects(platform):
        about = subject.descriptor
        found += [Restored(one, about.digest) for one in target.store.restore_referrers(about.digest)]
        for digest in [one.descriptor.digest for one in referrers_of(target.store, about) if not one.rejected]:
            found += [Restored(one, digest) for one in target.store.restore_referrers(digest)]
    return tuple(found)


def pull(
    reference: str,
    *,
    platform: str | None = None,
    kind: str = "spec",
    policy: "Policy | None" = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple[bytes, "Candidate"]:
    """Return the specification (or ``kind`` ``report``) in force, and the artifact it is from.

    Of an index without ``platform`` that of the index itself. **Signed or not**, unless there is a ``policy``: then
    it is the one that passes it, or VerificationError. Reports are not signed, and so never pulled with a policy.
    """
    from compatbuild.registry.artifact import REPORT, SPEC
    from compatbuild.registry.attach import pull as pull_artifact

    target = open_target(reference, options)
    subject = target.subjects(platform)[0]
    if policy is not None and kind == "report":
        raise VerificationError(
            f"the report of {reference} cannot be verified",
            why="a signature covers the image and the specification, not the report",
            remedy="pull it without verification",
        )
    if policy is not None:
        from compatbuild.signing.verify import judge_by

        verified = judge_by(policy, target.store, subject.descriptor).required()
        return verified.content, verified.spec
    return pull_artifact(target.store, subject.descriptor, REPORT if kind == "report" else SPEC)


def show(
    reference: str,
    *,
    platform: str | None = None,
    trusted: Sequence["Trusted"] = (),
    options: RegistryOptions = DEFAULT_OPTIONS,
) -> tuple["Overview", ...]:
    """Return everything attached to an image, and how it is signed; NotFoundError when that is nothing at all.

    Without ``trusted`` keys or identities a signature is only known to be there.
    """
    from compatbuild.registry.overview import overview
    from compatbuild.signing.glance import glance

    target = open_target(reference, options)
    found = tuple(glance(target.store, overview(target.store, one), trusted) for one in target.subjects(platform))
    if not any(one.attachments for one in found):
        raise NotFoundError(
            f"nothing is attached to {reference}",
            why="no referrer of it is listed",
            remedy="`compatbuild publish` attaches a specification",
        )
    return found
