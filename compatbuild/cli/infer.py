"""``compatbuild infer``."""

from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import Target, emit, tell, wanted
from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from compatbuild.cache import Cache
    from compatbuild.image.limits import Limits
    from compatbuild.registry.options import RegistryOptions

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


def infer(
    source: Source = None,
    output: options.Output = None,
    platform: options.PlatformOrAll = None,
    base: options.Base = None,
    explain: Explain = False,
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
    from compatbuild.report import documents

    if platform == ALL and explain:
        raise UsageError("--explain is about one image", why="--platform all names several", remedy="name one platform")
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
    with progress(shown=not (quiet or no_progress)) as advance:
        report = api.infer(
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

    def specification() -> str:
        refined = api.refine(report, template="default")
        for note in refined.notes:
            tell(f"note: {note}", quiet=quiet)
        return refined.spec.decode()

    def table() -> "RenderableType":
        from compatbuild.report import explained, findings

        return explained.explained(report, api.expressions) if explain else findings.table(report, every=verbose)

    def markdown() -> str:
        from compatbuild.report import findings

        return findings.markdown(report)

    def as_sarif() -> str:
        from compatbuild.report import findings_sarif
        from compatbuild.report.sarif import sarif

        return documents.to_json(sarif(tuple(findings_sarif.results(report))))

    formats = {
        "table": table,
        "json": lambda: documents.report_bytes(report).decode(),
        "yaml": lambda: documents.to_yaml(documents.report_value(report)),
        "spec": specification,
        "markdown": markdown,
        "sarif": as_sarif,
    }
    emit(targets, formats)


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
