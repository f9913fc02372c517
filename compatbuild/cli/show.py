"""``compatbuild show``."""

from compatbuild.cli import options
from compatbuild.cli.output import emit, wanted


def show(
    reference: options.Reference,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
) -> None:
    """Show what is attached to an image: specifications, reports, and the signatures on them.

    Signatures are listed, not verified; `compatbuild verify` does that. Exit code 3 when nothing is attached.

    [dim]Example: compatbuild show oci-dir:build/image:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.attachments import as_tree, as_value
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    found = api.show(reference, platform=platform, options=registry)
    formats = {
        "table": lambda: as_tree(reference, found),
        "json": lambda: to_json(as_value(reference, found)),
    }
    emit(targets, formats)
