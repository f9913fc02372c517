"""``compatbuild attach`` and ``compatbuild detach``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli import options
from compatbuild.cli.output import emit, wanted


def attach(
    names: Annotated[
        list[str],
        typer.Argument(metavar="REF... SPEC", help="One image or several, and the specification for them; - is stdin."),
    ],
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    durable: options.Durable = None,
) -> None:
    """Attach a specification to images, as a referrer of each; of an index, to every platform too.

    The specification must be valid. Doing it again changes nothing.

    [dim]Example: compatbuild attach oci-dir:build/image:v1 compat.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.report import journey
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    *references, spec = names
    if not references:
        raise UsageError(
            "an image and a specification are needed",
            why=f"only {spec!r} was given",
            remedy="call `compatbuild attach REF SPEC`",
        )
    content = sys.stdin.buffer.read(2 << 20) if spec == "-" else api.read_file(Path(spec), 2 << 20)
    registry = options.registry(plain_http, insecure, ca_file, registry_config, durable)
    rows = [
        journey.Row.of(f"specification of {name}", one)
        for name in references
        for one in api.attach(name, content, platform=platform, options=registry)
    ]
    formats = {
        "table": lambda: journey.as_table(rows),
        "json": lambda: to_json({"attached": journey.as_value(rows)}),
    }
    emit(targets, formats)


def detach(
    reference: options.Reference,
    digest: Annotated[str | None, typer.Option(metavar="DIGEST", help="Only this artifact.")] = None,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
) -> None:
    """Take specifications and reports off an image, together with the signatures on them.

    [dim]Example: compatbuild detach oci-dir:build/image:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    gone = api.detach(reference, digest=digest, platform=platform, options=registry)
    formats = {
        "table": lambda: "".join(f"detached {one}\n" for one in gone),
        "json": lambda: to_json({"detached": list(gone)}),
    }
    emit(targets, formats)
