"""The images that a run is about, with report and specification: inferred, published, or verified.

What publishes, attaches, signs and verifies are the commands themselves, called in this process: the action can do
nothing that an author could not do by hand.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compatbuild import api
from compatbuild.api.targets import Say, source_of
from compatbuild.ci.github.inputs import Inputs
from compatbuild.cli import options, settings
from compatbuild.errors import NotFoundError, NothingRequiredError, UsageError
from compatbuild.image.view import ImageConfig
from compatbuild.model.report import Report, parse_report
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.subject import Subject
from compatbuild.report.documents import report_bytes
from compatbuild.sources.names import exists
from compatbuild.sources.resolve import ALIASES, PREFIXES, open_image

ATTACHABLE = frozenset({"registry", "oci-dir"})
"""Sources that something can be attached to."""
MAX_SPEC = 2 << 20  # bytes, as `attach` reads


@dataclass(frozen=True, slots=True)
class Image:
    """One image, or the index of several (``platform`` is empty, and there is no report).

    ``spec`` is empty when there is nothing to say; ``notes`` are what its author should know about how it was encoded.
    ``config`` says by which steps it was built, where that is known.
    """

    name: str
    platform: str = ""
    digest: str = ""
    report: Report | None = None
    spec: bytes = b""
    notes: tuple[str, ...] = ()
    config: ImageConfig | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """All images of a run, an index first; ``artifact`` is the digest of the first one's specification.

    ``repository`` is what digests are in, ``did`` says in one line what happened, ``signed`` how it was signed.
    """

    images: tuple[Image, ...]
    did: str
    repository: str = ""
    artifact: str = ""
    signed: str = ""
    rows: tuple[dict[str, Any], ...] = field(default_factory=tuple)


def registry() -> RegistryOptions:
    """Return how to reach registries: as for every command, variables first, then the settings.

    The words of a flag in a variable are those that typer takes for true. Jobs of a workflow publish at the same time,
    so what they attach is durable unless somebody says otherwise.
    """

    def flag(name: str) -> bool | None:
        text = os.environ.get(name, "")
        return text.lower() in {"1", "t", "true", "y", "yes", "on"} if text else None

    def file(name: str) -> Path | None:
        return Path(os.environ[name]) if os.environ.get(name) else None

    return options.registry(
        flag("COMPATBUILD_PLAIN_HTTP"),
        flag("COMPATBUILD_INSECURE"),
        file("COMPATBUILD_CA_FILE"),
        file("COMPATBUILD_REGISTRY_CONFIG"),
        flag("COMPATBUILD_DURABLE"),
        usually_durable=True,
    )


def template(inputs: Inputs) -> str | None:
    """Return the template to refine with: the input, the variable, else what the settings name."""
    return inputs.template or os.environ.get("COMPATBUILD_TEMPLATE") or settings.template()


def inferred(inputs: Inputs, say: Say) -> Gathered:
    """Read the images and refine what they need; nothing is written anywhere."""
    images = tuple(_refined(inputs, one) for one in _read(inputs, say))
    return Gathered(images, "Nothing was published.")


def _read(inputs: Inputs, say: Say) -> Iterator[api.Reading]:
    """Yield what is read of each image: of those platforms that were named, else of all in an index of a registry."""
    if not is_reference(inputs.image):
        for platform in inputs.platforms or (None,):
            yield api.read(inputs.image, platform=platform, options=registry(), say=say)
        return
    target = api.open_target(bare(inputs.image), registry())
    for subject in _subjects(target, inputs.platforms):
        if not subject.is_index:
            named = target.reference.with_digest(subject.descriptor.digest)
            yield api.read(source_of(named), options=registry(), say=say)


def _subjects(target: api.Target, platforms: Sequence[str]) -> list[Subject]:
    return [one for platform in platforms or (None,) for one in target.subjects(platform)]


def is_reference(name: str) -> bool:
    """Say whether an image can have something attached: it is in a registry, or in an OCI layout."""
    prefix, colon, _ = name.partition(":")
    if colon and prefix in {*PREFIXES, *ALIASES}:
        return ALIASES.get(prefix, prefix) in ATTACHABLE
    return not exists(name)


def bare(name: str) -> str:
    """Return a reference without the prefix of a registry, as commands about attachments take it."""
    return name.removeprefix("registry:").removeprefix("//").replace("oci-layout:", "oci-dir:", 1)


def _refined(inputs: Inputs, read: api.Reading) -> Image:
    report = read.report
    image = Image(report.image.reference, report.image.platform, report.image.digest, report, config=read.config)
    if inputs.spec:
        content = api.read_file(inputs.spec, MAX_SPEC)
        api.require_valid(content, str(inputs.spec))
        return replace(image, spec=content)
    with suppress(NothingRequiredError):
        refined = api.refine(report, template=template(inputs))
        return replace(image, spec=refined.spec, notes=refined.notes)
    return image


def published(inputs: Inputs, sign: str | None, run: Callable[..., Any], say: Say) -> Gathered:
    """Publish the image, or attach the author's specification to it, and read back what readers will find.

    ``run`` calls a command with arguments and returns its JSON result. The tag is resolved once: everything after is
    about that digest.
    """
    if not is_reference(inputs.image):
        raise UsageError(
            f"nothing can be attached to {inputs.image}",
            why="it is neither in a registry nor in an OCI layout",
            remedy="push the image first and name it by its reference, or leave out push-to-registry",
        )
    target = api.open_target(bare(inputs.image), registry())
    pinned = _pinned(target)
    rows: list[dict[str, Any]] = []
    for platform in inputs.platforms or ("",):
        rows += _publish(inputs, pinned, [f"--platform={platform}"] if platform else [], sign, run)
    found = _subjects(api.open_target(pinned, registry()), inputs.platforms)
    images = tuple(_fetched(target, subject, say) for subject in found)
    spec = next((row["digest"] for row in rows if row["what"].startswith("specification")), "")
    new = any(row["state"] == "created" for row in rows)
    did = "Published." if new else "All of it was published before: nothing changed."
    return Gathered(
        images, did if rows else "There is nothing to publish.", target.reference.name, spec, sign or "", tuple(rows)
    )


def _pinned(target: api.Target) -> str:
    """Return the reference of an image with the digest that its tag has now."""
    return str(target.reference.with_digest(target.store.resolve(target.reference.selector).descriptor.digest))


def _publish(
    inputs: Inputs, pinned: str, flags: list[str], sign: str | None, run: Callable[..., Any]
) -> list[dict[str, Any]]:
    signed = [f"--sign={sign}"] if sign else []
    if inputs.spec is None:
        template = [f"--template={inputs.template}"] if inputs.template else []
        found = run("publish", *flags, *signed, *template, "--no-progress", "--", pinned)
        return list(found["published"])
    rows = list(run("attach", *flags, "--", pinned, str(inputs.spec))["attached"])
    if signed:
        run("sign", *flags, *signed, "--", pinned)
    return rows


def _fetched(target: api.Target, subject: Subject, say: Say) -> Image:
    """Return what is attached to a manifest now; without a report, as beside a hand-written one, that is inferred."""
    named = target.reference.with_digest(subject.descriptor.digest)
    name = str(named)
    spec, report, config = b"", None, None
    with suppress(NotFoundError):
        spec, _ = api.pull(name, options=registry())
    if not subject.is_index:
        try:
            content, _ = api.pull(name, kind="report", options=registry())
            report = parse_report(content, f"the report of {name}")
            with open_image(source_of(named), options=registry()) as image:
                config = image.config
        except NotFoundError:
            read = api.read(source_of(named), options=registry(), say=say)
            report, config = read.report, read.config
    platform = report.image.platform if report else ""
    return Image(str(target.reference), platform, subject.descriptor.digest, report, spec, config=config)


def verified(inputs: Inputs, run: Callable[..., Any], scratch: Path) -> Gathered:
    """Verify what is attached to an image, and return the specification in force; nothing is inferred."""
    target = api.open_target(bare(inputs.image), registry())
    pinned = _pinned(target)
    images, first = [], ""
    for platform in inputs.platforms or ("",):
        file = scratch / "verified.yaml"
        flags = [f"--platform={platform}"] if platform else []
        found = run("verify", *inputs.verify, *flags, f"--output=spec={file}", "--", pinned)
        (verdict, *_) = found["verified"]
        first = first or verdict["spec"]
        images.append(Image(str(target.reference), platform, verdict.get("subject", ""), None, file.read_bytes()))
    return Gathered(tuple(images), "Image and specification are signed by their author.", target.reference.name, first)


def write(gathered: Gathered, directory: Path) -> tuple[str, str]:
    """Write specifications and reports, and return the paths of the first of each; empty where there is none."""
    specs, reports = [], []
    for image in gathered.images:
        suffix = f"-{image.platform.replace('/', '-')}" if len(gathered.images) > 1 and image.platform else ""
        if image.spec:
            specs.append(directory / f"spec{suffix}.yaml")
            specs[-1].write_bytes(image.spec)
        if image.report:
            reports.append(directory / f"report{suffix}.json")
            reports[-1].write_bytes(report_bytes(image.report))
    return str(specs[0]) if specs else "", str(reports[0]) if reports else ""


def parsed(file: Path) -> Any:
    """Return the JSON that a command wrote."""
    return json.loads(file.read_bytes())
