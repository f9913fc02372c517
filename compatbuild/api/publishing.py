"""Publish: infer, refine, validate, attach and sign in one go."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.api.reading import Refined, infer, refine
from compatbuild.api.signatures import SignedPair, sign_subject
from compatbuild.api.targets import (
    DEFAULT_OPTIONS,
    Progress,
    Say,
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
    from compatbuild.registry.attach import Attached
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject
    from compatbuild.signing.keys import Signer


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
        signed = (self.signatures.spec, self.signatures.image) if self.signatures else ()
        return any(one is not None and one.state == "created" for one in (self.spec, self.report, *signed))


def publish(
    reference: str,
    *,
    template: str | Path | None = None,
    signer: "Signer | None" = None,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
) -> tuple[Published, ...]:
    """Infer, refine, validate, attach and, with a ``signer``, sign: for an image, or for every platform of an index.

    An index gets a specification of its own with what all its platforms have in common. Nothing is attached before
    every platform has been inferred and refined. Doing it again changes nothing. ``base`` as for ``infer``. An image
    that needs nothing gets nothing, and is not in the result.
    """
    from compatbuild.inference.common import common

    target = open_target(reference, options)
    found = target.subjects(platform)
    reports: dict[str, Report] = {}
    for subject in found:
        if not subject.is_index:
            source = source_of(target.reference.with_digest(subject.descriptor.digest))
            reports[subject.descriptor.digest] = infer(
                source, base=base, options=options, say=say, progress=progress, limits=limits
            )
    about = dict(reports)
    for subject in found:
        if subject.is_index:
            digest = subject.descriptor.digest
            about[digest] = common(list(reports.values()), str(target.reference), digest)
    refined: dict[str, Refined] = {}
    for digest, report in about.items():
        with suppress(NothingRequiredError):
            refined[digest] = refine(report, template=template)
    needy = [subject for subject in found if subject.descriptor.digest in refined]
    return tuple(_publish_subject(target.store, subject, refined, reports, signer) for subject in needy)


def _publish_subject(
    store: "Store",
    subject: "Subject",
    refined: Mapping[str, Refined],
    reports: Mapping[str, Report],
    signer: "Signer | None",
) -> Published:
    from compatbuild.registry import attach as attaching
    from compatbuild.report.documents import report_bytes

    digest, created, annotations = subject.descriptor.digest, creation_date(), provenance()
    spec = attaching.attach(store, subject.descriptor, refined[digest].spec, annotations, created, derived=True)
    report = None
    if digest in reports:
        content = report_bytes(reports[digest])
        report = attaching.attach_report(store, subject.descriptor, content, annotations, created, derived=True)
    signatures = sign_subject(store, subject, signer, force=False) if signer is not None else None
    return Published(subject, spec, report, signatures, refined[digest].notes)
