"""What the commands do, as functions: the public Python surface behind ``compatbuild.infer`` and its siblings.

Every function takes plain values and returns frozen records; nothing is printed. ``say`` is told, in one line, what is
being done; ``progress`` a layer's index and how many more of its bytes were read. Errors are subclasses of
``compatbuild.errors.CompatError``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.errors import NotFoundError, NothingRequiredError, SpecError, UsageError
from compatbuild.model.report import ImageIdentity, Report, parse_report
from compatbuild.registry.options import RegistryOptions
from compatbuild.version import __version__

if TYPE_CHECKING:
    from compatbuild.checking.loading import Loaded
    from compatbuild.checking.verdicts import Checked
    from compatbuild.hosts.host import Host
    from compatbuild.inference.sides import Compared
    from compatbuild.registry.attach import Attached
    from compatbuild.registry.candidates import Candidate
    from compatbuild.registry.overview import Overview
    from compatbuild.registry.reference import LayoutReference, Reference
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject
    from compatbuild.signing.keys import PublicKey, Signer
    from compatbuild.signing.sign import Signed
    from compatbuild.signing.verify import Verified
    from compatbuild.validation.issue import Issue

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
TEMPLATE_FILE = "compat.yaml.j2"
DEFAULT_OPTIONS = RegistryOptions()


@dataclass(frozen=True)
class Refined:
    """A specification made from a report: its bytes, and what its author should know about how it was encoded."""

    spec: bytes
    template: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SignedPair:
    """The signatures on one image and on the specification in force for it: one without the other proves nothing."""

    subject: "Subject"
    spec: "Signed"
    image: "Signed"


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


def infer(
    source: str,
    *,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read an image and return what it needs of its host, with the evidence.

    ``source`` is ``PREFIX:NAME`` (``oci-dir:``, ``registry:`` …) or, without a prefix, an existing path or a registry
    reference; ``platform`` picks an image of an index (``linux/arm64``). ``base`` names the image that it is built on,
    so that the report can tell what comes from there; UsageError when it is not.
    """
    from compatbuild.detectors import discover
    from compatbuild.image.build import build_view
    from compatbuild.inference import engine
    from compatbuild.inference.base_image import find_base
    from compatbuild.knowledge import load
    from compatbuild.sources.resolve import open_image

    detectors = discover()
    with open_image(source, platform=platform, options=options, say=say) as image:
        found = find_base(image, base, options, say)
        view = build_view(image.config, image.layers, engine.interests(detectors), progress=progress)
        identity = ImageIdentity(
            source=image.scheme, reference=image.reference, digest=image.digest, platform=image.config.platform
        )
        return found.told(engine.infer(view, identity, detectors, load()), image.config)


def refine(report: Report, *, template: str | Path | None = None) -> Refined:
    """Render a template over a report and compile what it says into a specification.

    ``template`` is a file or the name of a shipped one; by default ``compat.yaml.j2`` of the current directory, and
    where there is none the shipped ``default``. The result has passed validation: TemplateError names file, line and
    variable of a template that fails, SpecError lists what NFD would misread, NothingRequiredError says that there is
    nothing to say.
    """
    from compatbuild.nfd.write import dump
    from compatbuild.refine.compile import compile_document
    from compatbuild.refine.context import build_context
    from compatbuild.refine.document import parse
    from compatbuild.refine.render import render

    chosen = template or (Path(TEMPLATE_FILE) if Path(TEMPLATE_FILE).is_file() else "default")
    document = parse(render(chosen, build_context(report)), str(chosen), rendered=True)
    if not document.requirements and not document.preferences:
        raise NothingRequiredError(
            f"{report.image.source}:{report.image.reference} needs nothing that a specification could say",
            why=f"{chosen} printed no requirement",
            remedy="there is nothing to attach; a template can add what was not found",
        )
    spec, notes = compile_document(document)
    content = dump(spec)
    require_valid(content, f"the specification from {chosen}")
    unseen = (f"the image may need more, for this was not looked at: {one.what}: {one.why}" for one in report.skipped)
    return Refined(content, str(chosen), (*unseen, *notes))


def validate(spec: bytes | str | Path, *, name: str = "") -> tuple["Issue", ...]:
    """Return everything that is wrong with a specification, in the order of its text; nothing when it is good.

    ``spec`` is its bytes, or the path of a file; a ``str`` is a path.
    """
    from compatbuild.validation.validate import validate as check

    if isinstance(spec, bytes):
        return check(spec, name or "-")
    return check(read_file(Path(spec)), name or str(spec))


def require_valid(spec: bytes, name: str) -> None:
    """Raise SpecError unless a specification is free of errors; warnings pass."""
    errors = [issue for issue in validate(spec, name=name) if issue.severity.value == "error"]
    if errors:
        told = "; ".join(f"line {issue.line}: {issue.message}" for issue in errors[:5])
        raise SpecError(
            f"{name} has {len(errors)} error{'s' if len(errors) > 1 else ''}",
            why=told,
            remedy=f"{errors[0].remedy}; `compatbuild validate FILE` shows all",
        )


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
    return tuple(_sign_subject(target.store, subject, signer, force=force) for subject in target.subjects(platform))


def _sign_subject(store: "Store", subject: "Subject", signer: "Signer", *, force: bool) -> SignedPair:
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


def pull(
    reference: str, *, platform: str | None = None, kind: str = "spec", options: RegistryOptions = DEFAULT_OPTIONS
) -> tuple[bytes, "Candidate"]:
    """Return the specification (or ``kind`` ``report``) in force, **signed or not**, and the artifact it is from.

    Of an index without ``platform`` that of the index itself.
    """
    from compatbuild.registry.artifact import REPORT, SPEC
    from compatbuild.registry.attach import pull as pull_artifact

    target = open_target(reference, options)
    subject = target.subjects(platform)[0]
    return pull_artifact(target.store, subject.descriptor, REPORT if kind == "report" else SPEC)


def show(
    reference: str, *, platform: str | None = None, options: RegistryOptions = DEFAULT_OPTIONS
) -> tuple["Overview", ...]:
    """Return everything attached to an image; NotFoundError when that is nothing at all."""
    from compatbuild.registry.overview import overview

    target = open_target(reference, options)
    found = tuple(overview(target.store, subject) for subject in target.subjects(platform))
    if not any(one.attachments for one in found):
        raise NotFoundError(
            f"nothing is attached to {reference}",
            why="no referrer of it is listed",
            remedy="`compatbuild publish` attaches a specification",
        )
    return found


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
            source = _source_of(target.reference.with_digest(subject.descriptor.digest))
            reports[subject.descriptor.digest] = infer(source, base=base, options=options, say=say, progress=progress)
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
    signatures = _sign_subject(store, subject, signer, force=False) if signer is not None else None
    return Published(subject, spec, report, signatures, refined[digest].notes)


def check(
    target: str,
    hosts: "Sequence[Host]",
    *,
    gpus: str = "",
    platform: str | None = None,
    keys: "Sequence[PublicKey]" = (),
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
) -> "Checked":
    """Say on which of some hosts an image can run, and why not on the others.

    ``target`` is as for ``load_target``; ``gpus`` are names that code of the image must run on (``h100,mi300x``).
    """
    from compatbuild.checking.check import check as check_loaded
    from compatbuild.checking.gpus import gpus as parse_gpus

    wanted = parse_gpus(gpus)
    return check_loaded(
        load_target(target, hosts, platform=platform, keys=keys, options=options, say=say), hosts, wanted
    )


def load_target(
    target: str,
    hosts: "Sequence[Host]",
    *,
    platform: str | None = None,
    keys: "Sequence[PublicKey]" = (),
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
) -> "Loaded":
    """Load what is to be checked: a file with a specification or a report, a reference, or an image itself.

    An existing file with text is a specification or a report; ``registry:`` and the other prefixes of ``infer``, a
    directory and an archive are images that are read now; anything else, ``oci-dir:`` too, is a reference whose
    attached specification counts, with ``keys`` only a signed one. Without ``platform`` that of the hosts counts.
    """
    from compatbuild.checking.check import platform_of
    from compatbuild.checking.loading import Loaded, attached, is_image, is_report, is_text_file
    from compatbuild.checking.verdicts import Subject
    from compatbuild.nfd.decode import decode

    if is_text_file(Path(target)):
        data = read_file(Path(target))
        if not is_report(data):
            return Loaded(Subject(target, "spec"), decode(data))
        report, kind = parse_report(data, target), "report"
    elif is_image(target):
        report, kind = infer(target, platform=platform, options=options, say=say), "source"
    else:
        opened = open_target(target, options)
        wanted = platform or platform_of(hosts)
        return attached(opened.store, opened.reference, wanted, keys, exactly=platform is not None)
    digest = report.image.digest
    return Loaded(Subject(target, kind, digest, report=True), decode(refine(report, template="default").spec), report)


def diff(
    old: str,
    new: str,
    *,
    template: str | Path | None = None,
    platform: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
) -> "Compared":
    """Say what changed from an image, report or specification to another; ``template`` makes a report comparable."""
    from compatbuild.inference.sides import Side, compare, is_report, text_of

    def side(name: str) -> Side:
        data = text_of(name)
        if data is None:
            return Side("image", name, infer(name, platform=platform, options=options, say=say, progress=progress))
        return Side("report", name, parse_report(data, name)) if is_report(data) else Side("spec", name, spec=data)

    return compare(side(old), side(new), lambda report: refine(report, template=template).spec)


@dataclass(frozen=True)
class Target:
    """A reference that was typed, and the store that holds it."""

    reference: "Reference | LayoutReference"
    store: "Store"

    def subjects(self, platform: str | None) -> list["Subject"]:
        """Return the manifests meant: with a platform the one for it, else the image, or index and platforms."""
        from compatbuild.registry.subject import ALL, subjects

        return subjects(self.store, self.reference, platform or ALL)


def open_target(reference: str, options: RegistryOptions) -> Target:
    """Parse a reference and open its store; nothing is asked of a registry yet."""
    from compatbuild.registry.reference import parse_reference
    from compatbuild.registry.store import open_store

    parsed = parse_reference(reference)
    return Target(parsed, open_store(parsed, options))


def _source_of(reference: "Reference | LayoutReference") -> str:
    from compatbuild.registry.reference import Reference

    return f"registry:{reference}" if isinstance(reference, Reference) else str(reference)


def creation_date() -> str:
    """Return now, or SOURCE_DATE_EPOCH, as RFC 3339 in UTC to the second (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 11):
        raise UsageError(
            "SOURCE_DATE_EPOCH is not a number of seconds", why=f"it is {epoch[:40]!r}", remedy="correct or unset it"
        )
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance() -> dict[str, str]:
    """Return the annotations of an artifact: tool, knowledge, and what git says of the current work tree."""
    from compatbuild.knowledge import load
    from compatbuild.refine.gitfacts import git_facts

    git = git_facts(Path.cwd())
    told = {
        "org.compatbuild.version": __version__,
        "org.compatbuild.knowledge": load().as_of,
        "org.opencontainers.image.source": git.remote,
        "org.opencontainers.image.revision": git.commit,
        "org.opencontainers.image.version": git.describe,
    }
    return {key: value for key, value in told.items() if value}


def read_file(path: Path, limit: int = 64 << 20) -> bytes:
    """Return the content of a file the user named, of at most ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=str(error.strerror), remedy="name a readable file") from error
    if len(data) > limit:
        raise UsageError(f"{path} is too large", why=f"at most {limit} bytes are read", remedy="name another file")
    return data
