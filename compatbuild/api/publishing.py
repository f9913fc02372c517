"""Publish: infer, refine, validate, attach and sign in one go."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.api.reading import Refined, refine, reports_of
from compatbuild.api.signatures import SignedPair, sign_subject
from compatbuild.api.targets import (
    DEFAULT_OPTIONS,
    Progress,
    Say,
    Target,
    creation_date,
    open_target,
    provenance,
    source_of,
)
from compatbuild.errors import NothingRequiredError
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.model.report import Report
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.cache import Cache
    from compatbuild.registry.attach import Attached
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject
    from compatbuild.signing.sign import Author, SignOptions
    from compatbuild.signing.verify import Policy


@dataclass(frozen=True)
class Published:
    """What publishing did for one manifest: the artifacts, and the signatures, None when nothing was signed.

    ``report`` is None for an index, which has no inference of its own.
    """

    subject: "Subject"
    spec: "Attached"
    report: "Attached | None"
    signatures: "SignedPair | None"
    notes: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether this call added anything."""
        signed = self.signatures.all if self.signatures else ()
        return any(one is not None and one.state == "created" for one in (self.spec, self.report, *signed))


def publish(
    reference: str = "",
    *,
    metadata_file: Path | None = None,
    template: str | Path | None = None,
    signer: "Author | None" = None,
    how: "SignOptions | None" = None,
    policy: "Policy | None" = None,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
) -> tuple[Published, ...]:
    """Infer, refine, validate, attach and, with a ``signer``, sign: for an image, or for every platform of an index.

    ``reference`` may be ``docker:NAME`` or ``podman:NAME`` of an image that was pushed from there; ``metadata_file`` is
    what buildx wrote of a build, and names images by digest. An index gets a specification of its own with what all its
    platforms have in common. Nothing is attached before every platform has been inferred and refined, layers that
    platforms share being read once. Doing it again changes nothing. ``base`` as for ``infer``. An image that needs
    nothing gets nothing, and is not in the result. ``limits`` and ``cache`` as for ``infer``. What was signed must pass
    the ``policy``, if there is one: VerificationError, when everything is there but its readers would refuse it.
    """
    what = _What(template, signer, how, policy, platform, base, limits, cache)
    names = _names(reference, metadata_file, options, say)
    return tuple(one for name in names for one in _publish(name, what, options, say, progress))


@dataclass(frozen=True)
class _What:
    """What is to be published, of whatever image."""

    template: str | Path | None
    signer: "Author | None"
    how: "SignOptions | None"
    policy: "Policy | None"
    platform: str | None
    base: str | None
    limits: Limits
    cache: "Cache | None"


def _names(reference: str, metadata_file: Path | None, options: RegistryOptions, say: Say | None) -> tuple[str, ...]:
    """Return what is in registries of the image that is meant, by digest where more than a name is known."""
    if metadata_file is not None:
        from compatbuild.sources.metadata_file import built

        return built(metadata_file, reference)
    kind, colon, name = reference.partition(":")
    if colon and kind in ("docker", "podman") and not name.startswith("//"):
        from compatbuild.sources.pushed import pushed

        return pushed(kind, name, options, say or (lambda _: None))
    return (reference,)


def _publish(
    reference: str, what: _What, options: RegistryOptions, say: Say | None, progress: Progress | None
) -> tuple[Published, ...]:
    from compatbuild.inference.common import common
    from compatbuild.signing.verify import judge_by

    target = open_target(reference, options)
    found = target.subjects(what.platform)
    reports = _reports(target, found, what, options, say=say, progress=progress)
    about = dict(reports)
    for subject in found:
        if subject.is_index:
            digest = subject.descriptor.digest
            about[digest] = common(list(reports.values()), str(target.reference), digest)
    refined: dict[str, Refined] = {}
    for digest, report in about.items():
        with suppress(NothingRequiredError):
            refined[digest] = refine(report, template=what.template)
    needy = [subject for subject in found if subject.descriptor.digest in refined]

    def sign(subject: "Subject") -> "SignedPair | None":
        return sign_subject(target.store, subject, what.signer, what.how) if what.signer is not None else None

    done = tuple(_publish_subject(target.store, subject, refined, reports, sign) for subject in needy)
    if what.signer is not None and what.policy is not None:
        for subject in needy:
            judge_by(what.policy, target.store, subject.descriptor).required()
    return done


def _reports(
    target: Target,
    subjects: "Sequence[Subject]",
    what: _What,
    options: RegistryOptions,
    *,
    say: Say | None,
    progress: Progress | None,
) -> dict[str, Report]:
    """Infer what each image needs, by its digest; one of several that is not for Linux is left out, which is said."""
    from compatbuild.sources.manifest import NotLinuxError
    from compatbuild.sources.resolve import open_image

    with ExitStack() as opened:
        sources = {}
        for digest in [subject.descriptor.digest for subject in subjects if not subject.is_index]:
            source = source_of(target.reference.with_digest(digest))
            try:
                sources[digest] = opened.enter_context(
                    open_image(source, options=options, say=say, limits=what.limits, cache=what.cache)
                )
            except NotLinuxError as error:
                if len(subjects) == 1:
                    raise
                if say is not None:
                    say(f"nothing is published for {source}: {error.what}")
        images = list(sources.values())
        read = reports_of(
            images, what.limits, base=what.base, options=options, say=say, progress=progress, cache=what.cache
        )
    return dict(zip(sources, read, strict=True))


def _publish_subject(
    store: "Store",
    subject: "Subject",
    refined: Mapping[str, Refined],
    reports: Mapping[str, Report],
    sign: "Callable[[Subject], SignedPair | None]",
) -> Published:
    from compatbuild.registry import attach as attaching
    from compatbuild.report.documents import report_bytes

    digest, created, annotations = subject.descriptor.digest, creation_date(), provenance()
    spec = attaching.attach(store, subject.descriptor, refined[digest].spec, annotations, created, derived=True)
    report = None
    if digest in reports:
        content = report_bytes(reports[digest])
        report = attaching.attach_report(store, subject.descriptor, content, annotations, created, derived=True)
    return Published(subject, spec, report, sign(subject), refined[digest].notes)
