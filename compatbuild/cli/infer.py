"""``compatbuild infer``."""

from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="registry:NAME, oci-dir:PATH[:TAG], oci-archive:FILE, docker-archive:FILE, dir:PATH; "
        "without a prefix an existing path, else a registry reference. Default: the one .compatbuild.yaml names.",
    ),
]


def infer(
    source: Source = None,
    output: options.Output = None,
    platform: options.Platform = None,
    base: options.Base = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    verbose: options.Verbose = False,
    limit: options.Limit = None,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Say what an image needs of its host, each line with its evidence.

    Formats: table, json, yaml, spec (the specification itself), markdown.

    [dim]Example: compatbuild infer oci-dir:build/image:v1 -o table -o json=report.json[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import progress
    from compatbuild.report import documents, findings

    targets = wanted(output, "table", "json", "yaml", "spec", "markdown")
    with progress(shown=not (quiet or no_progress)) as advance:
        report = api.infer(
            settings.image(source),
            platform=platform,
            base=base,
            options=options.registry(plain_http, insecure, ca_file, registry_config),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=options.limits(limit),
        )

    def specification() -> str:
        refined = api.refine(report, template="default")
        for note in refined.notes:
            tell(f"note: {note}", quiet=quiet)
        return refined.spec.decode()

    formats = {
        "table": lambda: findings.table(report, every=verbose),
        "json": lambda: documents.report_bytes(report).decode(),
        "yaml": lambda: documents.to_yaml(documents.report_value(report)),
        "spec": specification,
        "markdown": lambda: findings.markdown(report),
    }
    emit(targets, formats)
