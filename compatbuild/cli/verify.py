"""``compatbuild verify``."""

from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted


def verify(
    reference: options.Reference,
    key: options.Key = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail when an unsigned or foreign specification is attached too.")
    ] = False,
    spec_digest: Annotated[
        str, typer.Option("--spec-digest", metavar="DIGEST", help="The artifact that must be the one in force.")
    ] = "",
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """Verify that image and specification are signed by one author, for exactly this image.

    Formats: table, json, spec (the verified specification). Exit code 13 when verification fails.

    [dim]Example: compatbuild verify oci-dir:build/image:v1 --key cosign.pub[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.report.documents import to_json
    from compatbuild.report.verification import as_table, as_value
    from compatbuild.signing import keyfiles

    targets = wanted(output, "table", "json", "spec")
    key = key or settings.key()
    if key is None:
        raise UsageError(
            "there is no key to verify with",
            why="verification needs the author's public key",
            remedy="use --key FILE, or name it in .compatbuild.yaml",
        )
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    public = keyfiles.load_public_key(key)
    found = api.verify(reference, [public], platform=platform, strict=strict, spec_digest=spec_digest, options=registry)
    for warning in dict.fromkeys(text for one in found for text in (*one.warnings, *public.warnings)):
        tell(f"warning: {warning}", quiet=quiet)
    for note in dict.fromkeys(text for one in found for text in one.notes):
        tell(f"note: {note}", quiet=quiet)
    formats = {
        "table": lambda: as_table(found),
        "json": lambda: to_json(as_value(reference, found)),
        "spec": lambda: found[0].content.decode("utf-8", "replace"),
    }
    emit(targets, formats)
