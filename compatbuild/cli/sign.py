"""``compatbuild sign``."""

from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, wanted


def sign(
    reference: options.Reference,
    sign: options.Sign = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Sign although `cosign verify` will then overlook a signature in its older format."
        ),
    ] = False,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
) -> None:
    """Sign an image and the specification attached to it, as `cosign sign` would.

    [dim]Example: compatbuild sign oci-dir:build/image:v1 --sign key:cosign.key[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.report import journey
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    signer = options.signer(sign or settings.sign())
    if signer is None:
        raise UsageError(
            "there is no key to sign with",
            why="neither --sign nor the settings name one",
            remedy="use --sign key:FILE; `compatbuild key generate` makes one",
        )
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    done = api.sign(reference, signer, platform=platform, force=force, options=registry)
    rows = [
        row
        for one in done
        for row in (
            journey.Row.of("signature of the specification", one.spec),
            journey.Row.of("signature of the image", one.image),
        )
    ]
    formats = {"table": lambda: journey.as_table(rows), "json": lambda: to_json({"signed": journey.as_value(rows)})}
    emit(targets, formats)
