"""What is attached to an image, and whether its author signed it: a few small requests, and never a layer."""

from collections.abc import Iterable
from dataclasses import dataclass

from compatbuild.errors import CompatError, NotFoundError, UsageError
from compatbuild.fleet.rows import Signature
from compatbuild.registry.artifact import REPORT
from compatbuild.registry.attach import pull
from compatbuild.registry.candidates import Candidate
from compatbuild.registry.descriptor import DOCKER_CONFIG, OCI_CONFIG, Manifest
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference
from compatbuild.registry.registries import Registries
from compatbuild.registry.sif import sif_layer
from compatbuild.registry.store import Store
from compatbuild.registry.subject import Subject, subjects
from compatbuild.signing.standing import Standing
from compatbuild.signing.verify import Policy, Verdict, judge_by


class NoImageError(UsageError):
    """What a registry lists is something else than an image: a chart, a signature, an attestation."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What counts of an image's attachments: without ``content`` there is none that counts.

    ``name`` is the reference it was found by; ``report`` the bytes of the report beside it, unchecked.
    """

    name: str
    content: bytes | None = None
    report: bytes | None = None
    spec: str = ""
    level: str = ""
    signature: Signature = ""
    signature_reason: str = ""


def lookup(
    names: Iterable[str], digest: str, registries: Registries, platform: str, policy: Policy | None, *, exactly: bool
) -> Attached:
    """Return what is attached to an image under any of its names; each repository is asked once, the first wins.

    ``platform`` and ``exactly`` are as in ``checking.loading.attached``. An error of one repository counts only where
    no other has what is looked for, since nobody knows what the first one would have said.
    """
    found: Attached | None = None
    failure: CompatError | None = None
    for reference in _repositories(names, digest):
        try:
            registries.check(reference)
            one = _in(registries.store(reference), reference, platform, policy, exactly=exactly)
        except CompatError as error:
            registries.tell(reference, error)
            failure = failure or error
            continue
        registries.tell(reference, None)
        if one.content is not None:
            return one
        found = one if found is None or (one.signature and not found.signature) else found
    if failure is not None or found is None:
        raise failure or NotFoundError("the image has no name", why="there is nothing to ask for")
    return found


def _repositories(names: Iterable[str], digest: str) -> list[Reference | LayoutReference]:
    parsed = [parse_reference(name) for name in names]
    return [one.with_digest(digest) for one in {one.name: one for one in reversed(parsed)}.values()][::-1]


def _in(
    store: Store, reference: Reference | LayoutReference, platform: str, policy: Policy | None, *, exactly: bool
) -> Attached:
    for subject in _subjects(store, reference, platform, exactly=exactly):
        level = "index" if subject.is_index else "platform"
        if policy is None:
            try:
                content, candidate = pull(store, subject.descriptor)
            except NotFoundError:
                continue
            return _told(store, subject, reference, "unchecked", (content, candidate))
        verdict = judge_by(policy, store, subject.descriptor)
        if verdict.verified is not None:
            verified = verdict.verified
            return _told(store, subject, reference, "verified", (verified.content, verified.spec))
        if not isinstance(verdict.error, NotFoundError):
            return _refused(verdict, str(reference), level)  # as `check` does: the index is not asked instead
    return Attached(str(reference))


def _subjects(store: Store, reference: Reference | LayoutReference, platform: str, *, exactly: bool) -> list[Subject]:
    """Return the manifest for the platform, then the index; the config of a single image is only read if it must be.

    UsageError for what is no image.
    """
    parsed = store.resolve(reference.selector).parse()
    if isinstance(parsed, Manifest):
        if not _is_image(parsed):
            kind = parsed.artifact_type or parsed.config.media_type
            raise NoImageError(f"{reference} is no image", why=f"it is {kind[:100]}", remedy="name an image")
        return subjects(store, reference, platform if exactly else None)
    top = subjects(store, reference)
    try:
        chosen = subjects(store, reference, platform) if platform else []
    except NotFoundError:
        if exactly:
            raise
        chosen = []
    return [*chosen, *top]


def _is_image(manifest: Manifest) -> bool:
    kind = manifest.artifact_type or manifest.config.media_type
    return manifest.subject is None and (kind in {OCI_CONFIG, DOCKER_CONFIG} or sif_layer(manifest) is not None)


def _told(
    store: Store,
    subject: Subject,
    reference: Reference | LayoutReference,
    signature: Signature,
    spec: tuple[bytes, Candidate],
) -> Attached:
    try:
        report, _ = pull(store, subject.descriptor, REPORT)
    except NotFoundError:
        report = None
    level = "index" if subject.is_index else "platform"
    return Attached(str(reference), spec[0], report, spec[1].descriptor.digest, level, signature)


def _refused(verdict: Verdict, name: str, level: str) -> Attached:
    """Say how what is attached is signed, where that does not make it count."""
    found = verdict.examination
    signed = bool(found.image_signatures) and any(one.standing is not Standing.UNSIGNED for one in found.candidates)
    error = verdict.error
    reason = f"{error.what}: {error.why}" if error else ""
    return Attached(name, level=level, signature="untrusted" if signed else "unsigned", signature_reason=reason[:1000])
