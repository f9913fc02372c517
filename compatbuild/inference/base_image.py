"""Finding the image that an image is built on: named by the user, or by the image itself.

Only the base's manifest and config are read, for its layers are in the image. An image's own word
(``org.opencontainers.image.base.*``, OCI image specification, ``annotations.md``) is followed only into the registry or
the layout that the image itself came from: no image makes this tool ask another host.
"""

from dataclasses import dataclass, field

from compatbuild.errors import CompatError, NotFoundError
from compatbuild.image.view import ImageConfig
from compatbuild.inference.base import shared_layers, with_base
from compatbuild.inference.resolve import requirements
from compatbuild.model.report import BaseImage, Report, parse_report
from compatbuild.model.requirement import AnyRequirement
from compatbuild.registry.artifact import REPORT, SPEC, ArtifactKind
from compatbuild.registry.attach import pull
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference
from compatbuild.registry.store import Store, open_store
from compatbuild.sources.image_source import ImageSource, Say
from compatbuild.sources.resolve import open_image

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
STORED = ("registry", "oci-dir")
"""Schemes of images that artifacts can be attached to."""
MAX_REQUIREMENTS = 200
"""Requirements of a base's report that are offered to templates; an image has a dozen."""


@dataclass(frozen=True, slots=True)
class Found:
    """A base image and its config, or None where none is known; ``notes`` say what could not be read."""

    base: BaseImage | None = None
    config: ImageConfig = field(default_factory=ImageConfig)
    notes: tuple[str, ...] = ()

    def told(self, report: Report, image: ImageConfig) -> Report:
        """Return the report with what is known of the base of the image that it is about."""
        limits = tuple(sorted((*report.limits, *self.notes)))
        told = report.model_copy(update={"limits": limits}) if self.notes else report
        return with_base(told, image, self.config, self.base) if self.base else told


def find_base(image: ImageSource, named: str | None, options: RegistryOptions, say: Say | None) -> Found:
    """Read the base that a user names, else the one that the image itself names.

    UsageError when the image is not built on the one the user names; what the image says may be wrong or out of reach,
    which is noted and never ends the run.
    """
    if named:
        with open_image(named, platform=image.config.platform, options=options, say=say) as base:
            return _found(image, base, named, options)
    # The manifest's annotations count before the labels: labels are inherited and may name the base's own base.
    said = {**image.config.labels, **image.annotations}
    name, digest = said.get(BASE_NAME, ""), said.get(BASE_DIGEST, "")
    if not name and not digest:
        return Found()
    told = (f"{name}@{digest}" if name and digest else name or digest)[:200]
    try:
        reference = _claimed(image, name, digest)
        if reference is None:
            return Found(notes=(f"the image says that it is built on {told}; --base tells what it has from there",))
        text = f"registry:{reference}" if isinstance(reference, Reference) else str(reference)
        with open_image(text, platform=image.config.platform, options=options) as base:
            return _found(image, base, told, options)
    except CompatError as error:
        why = f"{error.what}: {error.why}" if error.why else error.what
        return Found(notes=(f"the image says that it is built on {told}, which cannot be used: {why[:300]}",))


def _claimed(image: ImageSource, name: str, digest: str) -> Reference | LayoutReference | None:
    """Return where to read a base that the image names, None when that is not where the image itself is from."""
    if image.scheme not in STORED:
        return None
    own = parse_reference(f"{image.scheme}:{image.reference}")
    if isinstance(own, LayoutReference) or not name:
        return own.with_digest(_digest(digest)) if digest else None
    theirs = parse_reference(f"registry:{name}")
    if not isinstance(theirs, Reference) or theirs.registry != own.registry:
        return None
    return theirs.with_digest(_digest(digest)) if digest else theirs


def _digest(text: str) -> str:
    """Return a digest that an image states; the parser of references raises UsageError when it is none."""
    parse_reference(f"registry:base@{text}")
    return text


def _found(image: ImageSource, base: ImageSource, name: str, options: RegistryOptions) -> Found:
    layers = shared_layers(image.config, base.config, name)
    known = BaseImage(reference=f"{base.scheme}:{base.reference}", digest=base.digest, layers=layers)
    if base.scheme not in STORED or not base.digest:
        return Found(known, base.config)
    store = open_store(parse_reference(known.reference), options)
    try:
        return Found(_with_attached(known, store), base.config)
    except CompatError as error:
        note = f"what is attached to the base image {name[:200]} cannot be read: {error.what}"
        return Found(known, base.config, (note,))


def _with_attached(known: BaseImage, store: Store) -> BaseImage:
    """Add the artifacts in force that are attached to a base, and the requirements of its report."""
    subject = store.manifest(known.digest).descriptor
    _, spec = _pulled(store, subject, SPEC)
    content, report = _pulled(store, subject, REPORT)
    return BaseImage(
        reference=known.reference,
        digest=known.digest,
        layers=known.layers,
        specification=spec,
        report=report,
        requirements=_requirements(content) if report else (),
    )


def _pulled(store: Store, subject: Descriptor, kind: ArtifactKind) -> tuple[bytes, str]:
    """Return the content in force of one kind and its artifact's digest, both empty where there is none."""
    try:
        content, candidate = pull(store, subject, kind)
    except NotFoundError:
        return b"", ""
    return content, candidate.descriptor.digest


def _requirements(content: bytes) -> tuple[AnyRequirement, ...]:
    """Return the requirements of a report; UsageError when it is none."""
    return requirements(parse_report(content, "what is attached").findings)[:MAX_REQUIREMENTS]
