"""``compatbuild infer``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import Target, emit, tell, wanted
from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from compatbuild.api import Reading
    from compatbuild.cache import Cache
    from compatbuild.ci.github.places import Places
    from compatbuild.image.limits import Limits
    from compatbuild.model.finding import Finding
    from compatbuild.model.report import Report
    from compatbuild.registry.options import RegistryOptions
    from compatbuild.report.sarif import Location

ALL = "all"
"""The platform that stands for every one of an index (``registry.subject.ALL``, which is not imported for a help)."""

if TYPE_CHECKING:
    from rich.console import RenderableType

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="docker:NAME, podman:NAME, registry:NAME, oci-dir:PATH[:TAG], oci-archive:FILE, docker-archive:FILE, "
        "dir:PATH, sif:FILE, spack:MIRROR#PACKAGE; without a prefix an existing path, else a daemon here that has the "
        "image, else a registry. "
        "Default: the one .compatbuild.yaml names.",
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="In the table: every finding with all its evidence, why it is as sure as it is, and the expressions it "
        "becomes.",
    ),
]
TrustToc = Annotated[
    bool,
    typer.Option(
        "--trust-toc",
        envvar="COMPATBUILD_TRUST_TOC",
        help="Believe what eStargz and zstd:chunked layers say they hold, and get only what is wanted of them, by "
        "ranges: their digests are then not checked, and nothing is cached. docs/sources.md says when that is right.",
        rich_help_panel="Image",
    ),
]

Dockerfile = Annotated[
    Path | None,
    typer.Option(
        "--dockerfile",
        metavar="FILE",
        help="The Dockerfile that the image was built by: -o sarif and --explain then name its lines.",
        rich_help_panel="Image",
    ),
]


def infer(
    source: Source = None,
    output: options.Output = None,
    platform: options.PlatformOrAll = None,
    base: options.Base = None,
    explain: Explain = False,
    dockerfile: Dockerfile = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    verbose: options.Verbose = False,
    limit: options.Limit = None,
    no_cache: options.NoCache = False,
    trust_toc: TrustToc = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Say what an image needs of its host, each line with its evidence.

    Formats: table, json, yaml, spec (the specification itself), markdown, sarif. With --platform all the images of an
    index side by side, in one run.

    [dim]Example: compatbuild infer oci-dir:build/image:v1 -o table -o json=report.json[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import progress

    for flag, given in (("--explain", explain), ("--dockerfile", dockerfile)):
        if platform == ALL and given:
            raise UsageError(
                f"{flag} is about one image", why="--platform all names several", remedy="name one platform"
            )
    if platform == ALL:
        _infer_all(
            wanted(output, "table", "json", "yaml", "markdown"),
            settings.image(source),
            base,
            options.registry(plain_http, insecure, ca_file, registry_config),
            limits=options.limits(limit),
            cache=options.cache(no_cache),
            trust_toc=trust_toc,
            quiet=quiet,
            no_progress=no_progress,
        )
        return
    targets = wanted(output, "table", "json", "yaml", "spec", "markdown", "sarif")
    if dockerfile:
        api.read_file(dockerfile)
    with progress(shown=not (quiet or no_progress)) as advance:
        reading = api.read(
            settings.image(source),
            platform=platform,
            base=base,
            options=options.registry(plain_http, insecure, ca_file, registry_config),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=options.limits(limit),
            cache=options.cache(no_cache),
            trust_toc=trust_toc,
        )
    places = _places(dockerfile, reading, quiet=quiet) if dockerfile else None
    emit(targets, _formats(reading.report, places, explain=explain, verbose=verbose, quiet=quiet))


def _formats(
    report: "Report", places: "Places | None", *, explain: bool, verbose: bool, quiet: bool
) -> "dict[str, Callable[[], RenderableType]]":
    """Return what makes each format; what it takes is loaded when it is made."""
    from compatbuild import api
    from compatbuild.report import documents

    def specification() -> str:
        refined = api.refine(report, template="default")
        for note in refined.notes:
            tell(f"note: {note}", quiet=quiet)
        return refined.spec.decode()

    def table() -> "RenderableType":
        from compatbuild.report import explained, findings

        if explain and places:
            return explained.explained(report, api.expressions, places.named_line)
        if explain:
            return explained.explained(report, api.expressions)
        return findings.table(report, every=verbose)

    def markdown() -> str:
        from compatbuild.report import findings

        return findings.markdown(report)

    def as_sarif() -> str:
        from compatbuild.report import findings_sarif
        from compatbuild.report.sarif import sarif

        return documents.to_json(sarif(tuple(findings_sarif.results(report, _located(report, places)))))

    return {
        "table": table,
        "json": lambda: documents.report_bytes(report).decode(),
        "yaml": lambda: documents.to_yaml(documents.report_value(report)),
        "spec": specification,
        "markdown": markdown,
        "sarif": as_sarif,
    }


def _places(dockerfile: Path, reading: "Reading", *, quiet: bool) -> "Places":
    """Return the lines of a Dockerfile that made the layers of an image, or say that they cannot be told."""
    from compatbuild.ci.github.places import Places, read_text
    from compatbuild.image.steps import lines_of_layers

    text = read_text(dockerfile, Path.cwd())
    if text is None:
        return Places()
    lines = lines_of_layers("\n".join(text.lines), reading.config)
    if not lines:
        tell(f"note: which line of {text.file} made which layer cannot be told: it is not the image's, or its builder "
             "kept no history", quiet=quiet)  # fmt: skip
    return Places(dockerfile=text, layers=lines)


def _located(report: "Report", places: "Places | None") -> "Callable[[Finding], Location]":
    """Return what says where a finding is: a line of the Dockerfile where that is known, and a file of the image."""
    from compatbuild.report.sarif import Location

    image = f"{report.image.source}:{report.image.reference}"

    def located(finding: "Finding") -> "Location":
        place = places.of_evidence(finding.evidence) if places else None
        at = (place.file, place.line) if place else ("", 0)
        return Location(*at, names=(image, finding.evidence[0].path))

    return located


def _infer_all(
    targets: tuple[Target, ...],
    source: str,
    base: str | None,
    registry: "RegistryOptions",
    *,
    limits: "Limits",
    cache: "Cache | None",
    trust_toc: bool,
    quiet: bool,
    no_progress: bool,
) -> None:
    from compatbuild import api
    from compatbuild.cli.progress import progress
    from compatbuild.report import documents, platforms

    with progress(shown=not (quiet or no_progress)) as advance:
        told = api.infer_all(
            source,
            base=base,
            options=registry,
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=limits,
            cache=cache,
            trust_toc=trust_toc,
        )
    formats = {
        "table": lambda: platforms.table(told),
        "json": lambda: documents.to_json(platforms.as_value(told)),
        "yaml": lambda: documents.to_yaml(platforms.as_value(told)),
        "markdown": lambda: platforms.markdown(told),
    }
    emit(targets, formats)
