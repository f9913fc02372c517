"""``compatbuild refine``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted


def refine(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE|REPORT", help="A report (`infer -o json=FILE`; - is stdin), or an image."),
    ],
    template: options.Template = None,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    limit: options.Limit = None,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
) -> None:
    """Render a template over what was inferred, and compile it into a specification.

    Formats: spec (the specification, validated), json (the same as JSON).

    [dim]Example: compatbuild refine report.json -t compat.yaml.j2 -o spec=compat.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.model.report import parse_report
    from compatbuild.report.documents import to_json

    targets = wanted(output, "spec", "json")
    if source == "-":
        report = parse_report(sys.stdin.buffer.read(64 << 20), "stdin")
    elif Path(source).is_file() and _looks_like_json(Path(source)):
        report = parse_report(api.read_file(Path(source)), source)
    else:
        registry = options.registry(plain_http, insecure, ca_file, registry_config)
        report = api.infer(
            source,
            platform=platform,
            options=registry,
            say=lambda line: tell(line, quiet=quiet),
            limits=options.limits(limit),
            cache=options.cache(no_cache),
        )
    refined = api.refine(report, template=template or settings.template())
    for note in refined.notes:
        tell(f"note: {note}", quiet=quiet)

    def as_json() -> str:
        import yaml

        return to_json(yaml.safe_load(refined.spec))

    emit(targets, {"spec": refined.spec.decode, "json": as_json})


def _looks_like_json(path: Path) -> bool:
    """Say whether a file begins as a JSON object does; an archive never does."""
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")
