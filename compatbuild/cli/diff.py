"""``compatbuild diff``."""

from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted

EXIT_CHANGED = 10

FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        metavar="added|removed|tightened|loosened|any",
        help="End with exit code 10 at such a change; may be given several times. `tightened` is every way of needing "
        "more, `loosened` every way of needing less.",
    ),
]


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="An image, a report (`infer -o json=FILE`) or a SPEC.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to compare it with.")],
    fail_on: FailOn = None,
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
    no_progress: options.NoProgress = False,
) -> None:
    """Say what changed of what an image needs: added, removed, tightened, loosened.

    Formats: table, json, markdown. Exit code 10 when --fail-on says so.

    [dim]Example: compatbuild diff registry.example/app:1.1 oci-dir:build/image:v1 --fail-on tightened[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import progress
    from compatbuild.inference.changes import parse_wishes
    from compatbuild.report import changes
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json", "markdown")
    wishes = parse_wishes(fail_on or [])
    with progress(shown=not (quiet or no_progress)) as advance:
        compared = api.diff(
            old,
            new,
            template=template or settings.template(),
            platform=platform,
            options=options.registry(plain_http, insecure, ca_file, registry_config),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=options.limits(limit),
            cache=options.cache(no_cache),
        )
    formats = {
        "table": lambda: changes.table(compared),
        "json": lambda: to_json(changes.as_value(compared)),
        "markdown": lambda: changes.markdown(compared),
    }
    emit(targets, formats)
    if compared.diff.fails(wishes):
        raise typer.Exit(EXIT_CHANGED)
