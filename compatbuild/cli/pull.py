"""``compatbuild pull``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted


def pull(
    reference: options.Reference,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Print it only when it is its author's, by COMPATBUILD_KEY or the settings."),
    ] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The same, by this public key, PEM.")
    ] = None,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """Print the specification (-o spec) or the report (-o report) attached to an image.

    Signed or not, unless --key or --verify: then it is the one that `compatbuild verify` accepts, or exit code 13.

    [dim]Example: compatbuild pull oci-dir:build/image:v1 -o spec=compat.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.signing import keyfiles

    targets = wanted(output, "spec", "report")
    if verify and key is None:
        named = os.environ.get("COMPATBUILD_KEY")
        key = Path(named) if named else settings.key()
    if verify and key is None:
        raise UsageError(
            "there is no key to verify with",
            why="verification needs the author's public key",
            remedy="use --key FILE, or name it in .compatbuild.yaml",
        )
    keys = [keyfiles.load_public_key(key)] if key else []
    registry = options.registry(plain_http, insecure, ca_file, registry_config)

    def fetch(kind: str) -> str:
        content, found = api.pull(reference, platform=platform, kind=kind, keys=keys, options=registry)
        looked = f"verified with {key}" if keys else "signature not looked at"
        tell(f"{kind} {found.descriptor.digest}, {looked}", quiet=quiet)
        return content.decode("utf-8", "replace")

    emit(targets, {"spec": lambda: fetch("spec"), "report": lambda: fetch("report")})
