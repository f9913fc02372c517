"""Read an image, refine what it needs into a specification, validate one, and compare two."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, Progress, Say, read_file
from compatbuild.errors import NothingRequiredError, SpecError
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.model.report import ImageIdentity, Report, parse_report
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.inference.sides import Compared
    from compatbuild.validation.issue import Issue

TEMPLATE_FILE = "compat.yaml.j2"


@dataclass(frozen=True)
class Refined:
    """A specification made from a report: its bytes, and what its author should know about how it was encoded."""

    spec: bytes
    template: str
    notes: tuple[str, ...]


def infer(
    source: str,
    *,
    platform: str | None = None,
    base: str | None = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT,
) -> Report:
    """Read an image and return what it needs of its host, with the evidence.

    ``source`` is ``PREFIX:NAME`` (``oci-dir:``, ``registry:`` …) or, without a prefix, an existing path or a registry
    reference; ``platform`` picks an image of an index (``linux/arm64``). ``base`` names the image that it is built on,
    so that the report can tell what comes from there; UsageError when it is not. ``limits`` are the caps
    on what is read.
    """
    from compatbuild.detectors import discover
    from compatbuild.image.build import build_view
    from compatbuild.inference import engine
    from compatbuild.inference.base_image import find_base
    from compatbuild.knowledge import load
    from compatbuild.sources.resolve import open_image

    detectors = discover()
    with open_image(source, platform=platform, options=options, say=say, limits=limits) as image:
        found = find_base(image, base, options, say)
        view = build_view(image.config, image.layers, engine.interests(detectors), limits, progress)
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
