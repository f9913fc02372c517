"""The options that several commands share, each described once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from compatbuild.hosts.host import Host
    from compatbuild.image.limits import Limits
    from compatbuild.registry.options import RegistryOptions
    from compatbuild.signing.keys import PrivateKey, PublicKey

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
Limit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        envvar="COMPATBUILD_LIMIT",
        help="Read more, or less, of an image (layer_bytes=200GiB); may be given several times. docs/security.md has "
        "the names.",
        rich_help_panel="Image",
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
HOSTS = "Hosts"
ThisNode = Annotated[bool, typer.Option("--host", help="This node. The default.", rich_help_panel=HOSTS)]
Root = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="With --host: the mounted root of the node.", rich_help_panel=HOSTS),
]
Features = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-",
        help="What NFD exported: `nfd export features`, or `kubectl get nodefeatures -A -o json`.",
        rich_help_panel=HOSTS,
    ),
]
System = Annotated[
    list[str] | None,
    typer.Option(
        "--os",
        metavar="NAME|GLOB|all",
        help="Profiles of operating systems (rhel-9, 'cos-*'); may be given several times.",
        rich_help_panel=HOSTS,
    ),
]
MinFidelity = Annotated[
    str | None,
    typer.Option(metavar="WORD", help="Only profiles at least as near to a real host.", rich_help_panel=HOSTS),
]
Gpus = Annotated[str, typer.Option(metavar="NAMES", help="GPUs that the image's code must run on: h100,l4,mi300x.")]


def hosts(
    host: bool,
    root: Path | None,
    features: str | None,
    system: list[str] | None,
    min_fidelity: str | None,
    platform: str | None,
) -> "tuple[Host, ...]":
    """Gather the hosts that a command was asked about."""
    from compatbuild.checking.gather import Wish, gather

    return gather(Wish(host or root is not None, root, features, tuple(system or ()), min_fidelity, platform or ""))


def public_keys(key: Path | None) -> "tuple[PublicKey, ...]":
    """Load the public key of ``--key``, or else of the settings; none when neither names one."""
    from compatbuild.cli import settings
    from compatbuild.signing import keyfiles

    path = key or settings.key()
    return (keyfiles.load_public_key(path),) if path else ()


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


def limits(stated: list[str] | None) -> "Limits":
    """Return the caps on reading an image: those of the command line, else of the settings, else the usual ones."""
    from compatbuild.cli import settings
    from compatbuild.image.limits import DEFAULT, pairs

    return DEFAULT.stated({**settings.settings().limits, **pairs(tuple(stated or ()))})


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
