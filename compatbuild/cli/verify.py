"""``compatbuild verify``."""

from typing import Annotated

import typer

from compatbuild.cli import options, signing
from compatbuild.cli.output import emit, tell, wanted


def verify(
    reference: options.Reference,
    key: options.Key = None,
    identity: options.Identity = "",
    issuer: options.Issuer = "",
    identity_regexp: options.IdentityRegexp = "",
    issuer_regexp: options.IssuerRegexp = "",
    trusted_root: options.TrustedRoot = None,
    annotation: options.Annotations = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail when an unsigned or foreign specification is attached too.")
    ] = False,
    spec_digest: Annotated[
        str, typer.Option("--spec-digest", metavar="DIGEST", help="The artifact that must be the one in force.")
    ] = "",
    not_before: Annotated[
        str, typer.Option(metavar="DATE", help="The earliest date that the specification in force may have.")
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

    Formats: table, json (both with every candidate, and why it counts or not), spec (the verified specification). Exit
    code 13 when verification fails. With neither key nor identity, what `verify` in .compatbuild.yaml names counts.

    [dim]Example: compatbuild verify oci-dir:build/image:v1 --key cosign.pub[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.report import verification
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json", "spec")
    whom = signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root)
    policy = signing.policy(whom, annotations=annotation, spec_digest=spec_digest, not_before=not_before, strict=strict)
    if policy is None:
        raise UsageError(
            "there is no key to verify with",
            why="verification needs the author's public key, or the identity of a keyless signature",
            remedy="use --key FILE, or --identity and --issuer, or name them under `verify` in .compatbuild.yaml",
        )
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    verdicts = api.judge(reference, policy, platform=platform, options=registry)
    for warning in verification.warnings(verdicts, whom):
        tell(f"warning: {warning}", quiet=quiet)
    for note in verification.notes(verdicts):
        tell(f"note: {note}", quiet=quiet)
    formats = {
        "table": lambda: verification.as_table(verdicts),
        "json": lambda: to_json(verification.as_value(reference, verdicts)),
        "spec": lambda: verdicts[0].required().content.decode("utf-8", "replace"),
    }
    emit(targets, formats)
    for verdict in verdicts:
        verdict.required()
