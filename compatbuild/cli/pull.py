"""``compatbuild pull``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli import options, signing
from compatbuild.cli.output import emit, tell, wanted


def pull(
    reference: options.Reference,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Print it only when it is its author's, by COMPATBUILD_KEY or the settings."),
    ] = False,
    key: Annotated[
        list[Path] | None, typer.Option("--key", metavar="FILE", help="The same, by this public key, PEM.")
    ] = None,
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
    quiet: options.Quiet = False,
) -> None:
    """Print the specification (-o spec) or the report (-o report) attached to an image.

    Signed or not, unless --verify, --key or an identity: then it is the one that `compatbuild verify` accepts, or exit
    code 13.

    [dim]Example: compatbuild pull oci-dir:build/image:v1 -o spec=compat.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError

    targets = wanted(output, "spec", "report")
    policy = None
    if verify or key or any((identity, issuer, identity_regexp, issuer_regexp)):
        named = os.environ.get("COMPATBUILD_KEY")
        key = key or ([Path(named)] if named and verify else None)
        policy = signing.policy(signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root))
    if verify and policy is None:
        raise UsageError(
            "there is nobody to trust",
            why="verification needs the author's public key, or the identity of a keyless signature",
            remedy="use --key FILE, or --identity and --issuer, or name them under `verify` in .compatbuild.yaml",
        )
    registry = options.registry(plain_http, insecure, ca_file, registry_config)

    def fetch(kind: str) -> str:
        content, found = api.pull(reference, platform=platform, kind=kind, policy=policy, options=registry)
        looked = "verified" if policy else "signature not looked at"
        tell(f"{kind} {found.descriptor.digest}, {looked}", quiet=quiet)
        return content.decode("utf-8", "replace")

    emit(targets, {"spec": lambda: fetch("spec"), "report": lambda: fetch("report")})
