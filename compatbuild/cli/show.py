"""``compatbuild show``."""

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, wanted


def show(
    reference: options.Reference,
    key: options.Key = None,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
) -> None:
    """Show what is attached to an image: specifications, reports, and the signatures on them.

    Without a key, signatures are listed and not verified; with one, each is. `compatbuild verify` gives the verdict.
    Exit code 3 when nothing is attached.

    [dim]Example: compatbuild show oci-dir:build/image:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.attachments import as_tree, as_value
    from compatbuild.report.documents import to_json
    from compatbuild.signing import keyfiles

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    key = key or settings.key()
    keys = [keyfiles.load_public_key(key)] if key else []
    found = api.show(reference, platform=platform, keys=keys, options=registry)
    formats = {
        "table": lambda: as_tree(reference, found),
        "json": lambda: to_json(as_value(reference, found)),
    }
    emit(targets, formats)
