"""What is to be checked: a specification or report in a file, or what is attached to an image."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from compatbuild.checking.verdicts import Subject
from compatbuild.errors import NotFoundError
from compatbuild.model.report import REPORT_SCHEMA, Report
from compatbuild.nfd.decode import decode
from compatbuild.nfd.tree import MAX_BYTES as MAX_SPEC
from compatbuild.nfd.wire import Spec
from compatbuild.registry.artifact import REPORT
from compatbuild.registry.attach import pull
from compatbuild.registry.candidates import Candidate, Referrer, referrers_of
from compatbuild.registry.reference import LayoutReference, Reference
from compatbuild.registry.store import Store
from compatbuild.registry.subject import Subject as Manifest
from compatbuild.registry.subject import subjects_in
from compatbuild.signing.verify import Policy, judge_by
from compatbuild.sources.names import exists
from compatbuild.sources.resolve import ALIASES, PREFIXES

IMAGE_PREFIXES = frozenset({*PREFIXES, *ALIASES}) - {"oci-dir"}
TEXT_SUFFIXES = (".yaml", ".yml", ".json")
UNREADABLE_REPORT = "the report attached to the image is not one of compatbuild's: nothing of it is used"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is checked: a decoded specification, the image's report where there is one, and the specification's text."""

    subject: Subject
    spec: Spec
    report: Report | None = None
    text: bytes = b""


def is_text_file(path: Path) -> bool:
    """Tell whether a path is that of a file that holds a specification or a report, and not an image.

    Its name says so, whether it exists or not, or its size and its first bytes: images in files are archives, which
    begin otherwise.
    """
    try:
        if path.suffix.lower() in TEXT_SUFFIXES and not path.is_dir():
            return True
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(512)
        return path.stat().st_size <= MAX_SPEC and b"\0" not in head and b":" in head
    except (OSError, ValueError):  # a directory that may not be searched, a name that cannot be one
        return False


def is_image(target: str) -> bool:
    """Tell whether a target is an image to be read now: it has a prefix of ``infer``, or is a path that exists.

    ``oci-dir:`` is a reference too, and what is attached there counts.
    """
    prefix, colon, _ = target.partition(":")
    return bool(colon and prefix in IMAGE_PREFIXES) or exists(target)


def is_report(data: bytes) -> bool:
    """Tell whether a file's content says that it is a report; whether it is a good one is not looked at."""
    if not data.lstrip().startswith(b"{"):
        return False
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("schema") == REPORT_SCHEMA


def attached(
    store: Store,
    reference: Reference | LayoutReference,
    platform: str,
    policy: Policy | None = None,
    *,
    exactly: bool,
) -> Loaded:
    """Load what is attached to the manifest for a platform, or else to the index; with a ``policy``, what passes it.

    ``exactly`` says that the platform was asked for, and did not merely follow from the hosts: the image must have it.
    Errors: NotFoundError when nothing is attached to either, VerificationError when the author did not sign it,
    SpecError when NFD could not read it, and those of the store.
    """
    missing: NotFoundError | None = None
    for manifest in _manifests(store, reference, platform, exactly=exactly):
        try:
            return load_manifest(store, manifest, str(reference), policy)
        except NotFoundError as error:
            missing = missing or error
    why = missing.why if missing else ""
    raise NotFoundError(
        f"no specification is attached to {reference}",
        why=why or "neither the image for the platform nor the index has one",
        remedy="`compatbuild publish` attaches one; registry:NAME or oci-archive:FILE checks the image itself",
    )


def _manifests(
    store: Store, reference: Reference | LayoutReference, platform: str, *, exactly: bool
) -> Sequence[Manifest]:
    found = store.resolve(reference.selector)
    (top,) = subjects_in(store, found, reference)
    if not platform or not (top.is_index or exactly):
        return [top]  # whatever its config says it is for: it is all there is
    try:
        chosen = subjects_in(store, found, reference, platform)
    except NotFoundError:
        if exactly:
            raise
        chosen = []
    return [*chosen, top] if top.is_index else chosen


def load_manifest(store: Store, manifest: Manifest, name: str, policy: Policy | None) -> Loaded:
    """Load what is attached to one manifest, and to no other; errors are those of ``attached``."""
    if policy is not None:
        verified = judge_by(policy, store, manifest.descriptor).required()
        content, spec = verified.content, verified.spec
        listed = None
    else:
        listed = tuple(referrers_of(store, manifest.descriptor))
        content, spec = pull(store, manifest.descriptor, listed=listed)
    report, notes = _report(store, manifest, listed)
    subject = _subject(manifest, name, spec, notes, verified=policy is not None, report=bool(report))
    return Loaded(subject, decode(content), report, content)


def _subject(
    manifest: Manifest, name: str, spec: Candidate, notes: tuple[str, ...], *, verified: bool, report: bool
) -> Subject:
    return Subject(
        name=name,
        kind="reference",
        digest=manifest.descriptor.digest,
        spec=spec.descriptor.digest,
        level="index" if manifest.is_index else "platform",
        verified=verified,
        report=report,
        information=notes,
    )


def _report(
    store: Store, manifest: Manifest, listed: Sequence[Referrer] | None
) -> tuple[Report | None, tuple[str, ...]]:
    """Give the report attached to a manifest, or why there is none to use: it only adds to what the spec asks."""
    try:
        content, _ = pull(store, manifest.descriptor, REPORT, listed=listed)
    except NotFoundError:
        return None, ()
    try:
        return Report.model_validate_json(content), ()
    except ValidationError:
        return None, (UNREADABLE_REPORT,)
