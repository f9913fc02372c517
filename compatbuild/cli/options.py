"""The options that several commands share, each described once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from compatbuild.registry.options import RegistryOptions
    from compatbuild.signing.keys import PrivateKey

Output = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        help="How to print the result, and where to; may be given several times. Default: a table, on stdout.",
    ),
]
Platform = Annotated[
    str | None,
    typer.Option(
        metavar="OS/ARCH[/VARIANT]",
        envvar="COMPATBUILD_PLATFORM",
        help="Which image of an index.",
        rich_help_panel="Image",
    ),
]
PlatformOrAll = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="OS/ARCH[/VARIANT]|all",
        envvar="COMPATBUILD_PLATFORM",
        help="Which image of an index; all for every one of them.",
        rich_help_panel="Image",
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        envvar="COMPATBUILD_BASE",
        help="The image that this one is built on, to tell what comes from there. Default: what the image says, if it "
        "is in the same registry.",
        rich_help_panel="Image",
    ),
]
PlainHttp = Annotated[
    bool | None,
    typer.Option(
        "--plain-http",
        envvar="COMPATBUILD_PLAIN_HTTP",
        help="Talk to the registry without TLS. Loopback registries need no flag.",
        rich_help_panel="Registry",
    ),
]
Insecure = Annotated[
    bool | None,
    typer.Option(
        "--insecure",
        envvar="COMPATBUILD_INSECURE",
        help="Do not check the registry's certificate.",
        rich_help_panel="Registry",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar="COMPATBUILD_CA_FILE",
        metavar="FILE",
        help="Certificate authorities to trust for the registry, PEM.",
        rich_help_panel="Registry",
    ),
]
RegistryConfig = Annotated[
    Path | None,
    typer.Option(
        "--registry-config",
        envvar="COMPATBUILD_REGISTRY_CONFIG",
        metavar="FILE",
        help="Credentials file in docker's format. Default: docker's own, then podman's.",
        rich_help_panel="Registry",
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing on stderr but errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show hints and all evidence.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Show no progress, even on a terminal.")]
Template = Annotated[
    str | None,
    typer.Option(
        "-t",
        "--template",
        metavar="FILE|NAME",
        envvar="COMPATBUILD_TEMPLATE",
        help="The template to refine with, or the name of a shipped one. Default: the one .compatbuild.yaml names, "
        "else compat.yaml.j2 here, else `default`.",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Public key, PEM.", envvar="COMPATBUILD_KEY"),
]
Sign = Annotated[
    str | None,
    typer.Option(
        "--sign",
        metavar="key:FILE",
        envvar="COMPATBUILD_SIGN",
        help="Sign with this private key: PEM, or a file written by `compatbuild key generate` or cosign. "
        "Its password is read from COSIGN_PASSWORD, else asked for.",
    ),
]
Reference = Annotated[
    str,
    typer.Argument(metavar="REF", help="A registry reference (host/repository:tag), or oci-dir:PATH:TAG."),
]


def registry(
    plain_http: bool | None, insecure: bool | None, ca_file: Path | None, registry_config: Path | None
) -> "RegistryOptions":
    """Gather the registry options of a command; what it was not told, the settings may say."""
    from compatbuild.cli import settings
    from compatbuild.registry.options import RegistryOptions

    stated = settings.settings().registry
    return RegistryOptions(
        plain_http=stated.plain_http if plain_http is None else plain_http,
        insecure=stated.insecure if insecure is None else insecure,
        ca_file=ca_file or settings.file(stated.ca_file),
        registry_config=registry_config or settings.file(stated.config),
    )


def signer(sign: str | None) -> "PrivateKey | None":
    """Return the private key that ``--sign key:FILE`` names, None without the option.

    Its password is COSIGN_PASSWORD if that is set, else it is asked for when the file needs one.
    """
    from compatbuild.cli.password import ask_password
    from compatbuild.errors import UsageError
    from compatbuild.signing import keyfiles

    if sign is None:
        return None
    kind, _, name = sign.partition(":")
    if kind != "key" or not name:
        raise UsageError(
            f"cannot sign with {sign!r}",
            why="this version signs with a private key in a file",
            remedy="use --sign key:FILE; `compatbuild key generate` makes one",
        )
    pem = keyfiles.read(Path(name))
    return keyfiles.private_key(
        pem, ask_password("Password of the private key") if keyfiles.is_encrypted(pem) else None
    )
