"""``compatbuild show``."""

from compatbuild.cli import options, signing
from compatbuild.cli.output import emit, wanted


def show(
    reference: options.Reference,
    key: options.Key = None,
    identity: options.Identity = "",
    issuer: options.Issuer = "",
    identity_regexp: options.IdentityRegexp = "",
    issuer_regexp: options.IssuerRegexp = "",
    trusted_root: options.TrustedRoot = None,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
) -> None:
    """Show what is attached to an image: specifications, reports, and the signatures on them.

    Without a key or an identity, signatures are listed and not verified; with one, each is. `compatbuild verify` gives
    the verdict. Exit code 3 when nothing is attached.

    [dim]Example: compatbuild show oci-dir:build/image:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.attachments import as_tree, as_value
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    whom = signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root)
    found = api.show(reference, platform=platform, trusted=whom, options=registry)
    formats = {
        "table": lambda: as_tree(reference, found),
        "json": lambda: to_json(as_value(reference, found)),
    }
    emit(targets, formats)
