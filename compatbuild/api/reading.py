"""Read an image, refine what it needs into a specification, validate one, and compare two."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, Progress, Say, read_file
from compatbuild.errors import NothingRequiredError, SpecError, TemplateError
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.model.report import ImageIdentity, PlatformReports, Report, Skipped, parse_report
from compatbuild.model.requirement import AnyRequirement
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.cache import Cache
    from compatbuild.image.view import ImageConfig
    from compatbuild.inference.sides import Compared
    from compatbuild.sources.image_source import ImageSource
    from compatbuild.validation.issue import Issue

TEMPLATE_FILE = "compat.yaml.j2"
TEMPLATE_SUFFIX = ".j2"


@dataclass(frozen=True)
class Refined:
    """A specification made from a report: its bytes, and what its author should know about how it was encoded."""

    spec: bytes
    template: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What an image needs, and the config that says how it is run and by which steps it was built."""

    report: Report
    config: "ImageConfig"


def infer(
    source: str,
    *,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
    trust_toc: bool = False,
) -> Report:
    """Read an image and return what it needs of its host, with the evidence.

    ``source`` is ``PREFIX:NAME`` (``oci-dir:``, ``registry:`` …) or, without a prefix, an existing path or a registry
    reference; ``platform`` picks an image of an index (``linux/arm64``). ``base`` names the image that it is built on,
    so that the report can tell what comes from there; UsageError when it is not. ``limits`` are the caps
    on what is read; ``cache`` (``compatbuild.cache.open_cache``) keeps what was read for the next time.
    With ``trust_toc`` eStargz and zstd:chunked layers are read by their tables of contents, and nothing is kept.
    """
    return read(
        source,
        platform=platform,
        base=base,
        options=options,
        say=say,
        progress=progress,
        limits=limits,
        cache=cache,
        trust_toc=trust_toc,
    ).report


def read(
    source: str,
    *,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
    trust_toc: bool = False,
) -> Reading:
    """Read an image as ``infer`` does, and return its config too."""
    from compatbuild.sources.resolve import open_image

    cache = None if trust_toc else cache  # what has not been verified must not serve other images
    with open_image(
        source, platform=platform, options=options, say=say, limits=limits, cache=cache, trust_toc=trust_toc
    ) as image:
        found = readings_of([image], limits, base=base, options=options, say=say, progress=progress, cache=cache)
    return found[0]


def infer_all(
    source: str,
    *,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
    trust_toc: bool = False,
) -> PlatformReports:
    """Read every image of an index in one run, layers that they share once; a single image gives one report.

    A platform whose image is not there, or is not for Linux, is named under ``skipped``.
    """
    from compatbuild.sources.resolve import open_index

    cache = None if trust_toc else cache
    with open_index(source, options=options, say=say, limits=limits, cache=cache, trust_toc=trust_toc) as index:
        found = reports_of(index.images, limits, base=base, options=options, say=say, progress=progress, cache=cache)
    first = index.images[0]
    return PlatformReports(
        source=first.scheme,
        reference=first.reference,
        digest=index.digest,
        reports=tuple(sorted(found, key=lambda report: (report.image.platform, report.image.digest))),
        skipped=tuple(Skipped(what=platform, why=why) for platform, why in index.missing),
    )


def reports_of(
    images: "Sequence[ImageSource]",
    limits: Limits = DEFAULT,
    *,
    base: str | None,
    options: RegistryOptions,
    say: Say | None,
    progress: Progress | None,
    cache: "Cache | None" = None,
) -> list[Report]:
    """Return a report of each open image, in their order; a layer that several have is read once."""
    found = readings_of(images, limits, base=base, options=options, say=say, progress=progress, cache=cache)
    return [one.report for one in found]


def readings_of(
    images: "Sequence[ImageSource]",
    limits: Limits = DEFAULT,
    *,
    base: str | None,
    options: RegistryOptions,
    say: Say | None,
    progress: Progress | None,
    cache: "Cache | None" = None,
) -> list[Reading]:
    """Return report and config of each open image, in their order; a layer that several have is read once."""
    from compatbuild.inference.base_image import find_base
    from compatbuild.inference.report_cache import ReportCache

    found = [find_base(image, base, options, say) for image in images]
    known = ReportCache(cache, limits) if cache is not None else None
    made = [known.read(image) if known else None for image in images]
    missing = [image for image, report in zip(images, made, strict=True) if report is None]
    new = _inferred(missing, limits, progress, cache) if missing else iter(())
    readings = []
    for image, built_on, kept in zip(images, found, made, strict=True):
        report = kept or next(new)
        if known and not kept:
            known.write(image, report)
        identity = ImageIdentity(
            source=image.scheme, reference=image.reference, digest=image.digest, platform=report.image.platform
        )
        told, config = report.model_copy(update={"image": identity}), image.own_config()
        readings.append(Reading(built_on.told(told, config), config))
    return readings


def _inferred(
    images: "Sequence[ImageSource]", limits: Limits, progress: Progress | None, cache: "Cache | None"
) -> Iterator[Report]:
    """Yield a report on each image, in their order."""
    from compatbuild.detectors import discover
    from compatbuild.image.build import Parts, build_views
    from compatbuild.image.layer_cache import LayerCache
    from compatbuild.inference import engine
    from compatbuild.knowledge import load

    detectors = discover()
    layers = LayerCache(cache) if cache is not None else None
    parts = [Parts(image.config, image.layers) for image in images]
    with closing(build_views(parts, engine.interests(detectors), limits, progress, cache=layers)) as views:
        for image, merged in zip(images, views, strict=True):
            view = replace(merged, config=image.own_config())
            identity = ImageIdentity(source="", reference="", platform=view.config.platform)
            yield engine.infer(view, identity, detectors, load())


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


def expressions(requirements: Sequence[AnyRequirement]) -> str:
    """Return the terms that requirements become in a specification, as YAML; SpecError when they contradict."""
    from compatbuild.inference.rules import compile_set
    from compatbuild.nfd.write import dump_rule

    (rule,) = compile_set(requirements, name="rule").compatibility.rules
    return dump_rule(rule)


def validate(spec: bytes | str | Path, *, name: str = "") -> tuple["Issue", ...]:
    """Return everything that is wrong with a specification, in the order of its text; nothing when it is good.

    ``spec`` is its bytes, or the path of a file; a ``str`` is a path. A file ``*.j2`` is a template, of which only the
    syntax is looked at: what it prints depends on an image.
    """
    from compatbuild.validation.validate import validate as check

    if isinstance(spec, bytes):
        return check(spec, name or "-")
    if Path(spec).suffix == TEMPLATE_SUFFIX:
        return _template_issues(Path(spec), name or str(spec))
    return check(read_file(Path(spec)), name or str(spec))


def _template_issues(path: Path, name: str) -> tuple["Issue", ...]:
    from compatbuild.refine.render import check
    from compatbuild.validation.issue import Issue, Severity

    read_file(path)  # NotFoundError and the like, as for any other file
    try:
        check(path)
    except TemplateError as error:
        issue = Issue(
            rule="template-syntax",
            severity=Severity.ERROR,
            line=getattr(error.__cause__, "lineno", None) or 1,
            column=1,
            path="",
            message=error.what,
            remedy=error.remedy,
            docs="docs/refine.md",
            name=name,
        )
        return (issue,)
    return ()


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


def diff(
    old: str,
    new: str,
    *,
    template: str | Path | None = None,
    platform: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
) -> "Compared":
    """Say what changed from an image, report or specification to another; ``template`` makes a report comparable."""
    from compatbuild.inference.sides import Side, compare, is_report, text_of

    def side(name: str) -> Side:
        data = text_of(name)
        if data is None:
            report = infer(
                name, platform=platform, options=options, say=say, progress=progress, limits=limits, cache=cache
            )
            return Side("image", name, report)
        return Side("report", name, parse_report(data, name)) if is_report(data) else Side("spec", name, spec=data)

    return compare(side(old), side(new), lambda report: refine(report, template=template).spec)
