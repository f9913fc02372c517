"""``compatbuild copy``."""

from typing import Annotated

import typer

from compatbuild.cli import options
from compatbuild.cli.output import emit, tell, wanted


def copy(
    reference: options.Reference,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Where to: a reference as well; its tag may be left out.")
    ],
    output: options.Output = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """Copy an image with its platforms, specifications, reports and signatures.

    From and to registries and OCI layouts. Every digest is checked; a second time it changes nothing.

    [dim]Example: compatbuild copy oci-dir:build/image:v1 registry.example/app:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.copies import as_table, as_value
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    done = api.copy(reference, target, options=registry, say=lambda text: tell(text, quiet=quiet))
    for note in done.notes:
        tell(f"note: {note}", quiet=quiet)
    formats = {
        "table": lambda: as_table(target, done),
        "json": lambda: to_json(as_value(reference, target, done)),
    }
    emit(targets, formats)
