"""The options that several commands share, each described once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from compatbuild.cache import Cache
    from compatbuild.hosts.host import Host
    from compatbuild.image.limits import Limits
    from compatbuild.registry.options import RegistryOptions

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
Durable = Annotated[
    bool | None,
    typer.Option(
        "--durable",
        envvar="COMPATBUILD_DURABLE",
        help="In a registry without the referrers API, hold on to what is attached by a tag of its own, so that no "
        "other writer can lose it.",
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
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        envvar="COMPATBUILD_NO_CACHE",
        help="Read every layer, also those that were read before, and keep nothing.",
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
TRUST = "Whom to trust"
Key = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Public key, PEM; of several any will do. Default: what `verify` in .compatbuild.yaml names.",
        envvar="COMPATBUILD_KEY",
        rich_help_panel=TRUST,
    ),
]
Identity = Annotated[
    str,
    typer.Option(
        "--identity",
        "--certificate-identity",
        metavar="NAME",
        help="Whom the certificate of a keyless signature has to name.",
        rich_help_panel=TRUST,
    ),
]
Issuer = Annotated[
    str,
    typer.Option(
        "--issuer",
        "--certificate-oidc-issuer",
        metavar="URL",
        help="Who has to have vouched for that identity.",
        rich_help_panel=TRUST,
    ),
]
IdentityRegexp = Annotated[
    str,
    typer.Option(
        "--identity-regexp",
        "--certificate-identity-regexp",
        metavar="RE2",
        help="The same by a pattern.",
        rich_help_panel=TRUST,
    ),
]
IssuerRegexp = Annotated[
    str,
    typer.Option(
        "--issuer-regexp",
        "--certificate-oidc-issuer-regexp",
        metavar="RE2",
        help="The same by a pattern.",
        rich_help_panel=TRUST,
    ),
]
TrustedRoot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="COMPATBUILD_TRUSTED_ROOT",
        help="Roots of trust of keyless signatures (`cosign trusted-root create`). Default: the public ones.",
        rich_help_panel=TRUST,
    ),
]
Annotations = Annotated[
    list[str] | None,
    typer.Option("-a", "--annotation", metavar="NAME=VALUE", help="An annotation that the signatures have to carry."),
]
SIGNING = "Signing"
Sign = Annotated[
    str | None,
    typer.Option(
        "--sign",
        metavar="key:FILE|kms:URI|keyless",
        envvar="COMPATBUILD_SIGN",
        help="Sign with the private key in a file (PEM, or one written by `compatbuild key generate` or cosign), with "
        "one in a service or a token, or by the identity of this CI run. A password is read from COSIGN_PASSWORD, else "
        "asked for.",
        rich_help_panel=SIGNING,
    ),
]
SignatureFormat = Annotated[
    str,
    typer.Option(
        metavar="bundle|legacy|both",
        envvar="COMPATBUILD_SIGNATURE_FORMAT",
        help="As a sigstore bundle, as cosign before 3 did, or as both.",
        rich_help_panel=SIGNING,
    ),
]
SignAnnotations = Annotated[
    list[str] | None,
    typer.Option(
        "-a", "--annotation", metavar="NAME=VALUE", help="An annotation to sign along.", rich_help_panel=SIGNING
    ),
]
TimestampUrl = Annotated[
    str,
    typer.Option(
        metavar="URL", help="Have signatures by a key stamped by this RFC 3161 authority.", rich_help_panel=SIGNING
    ),
]
RekorUrl = Annotated[
    str,
    typer.Option(metavar="URL", help="Put signatures by a key into this Rekor v2 log.", rich_help_panel=SIGNING),
]
SigningConfig = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="COMPATBUILD_SIGNING_CONFIG",
        help="Services of keyless signing (`cosign signing-config create`). Default: the public ones.",
        rich_help_panel=SIGNING,
    ),
]
SigningRoot = Annotated[
    Path | None,
    typer.Option(
        "--trusted-root",
        metavar="FILE",
        envvar="COMPATBUILD_TRUSTED_ROOT",
        help="The roots of trust of those services.",
        rich_help_panel=SIGNING,
    ),
]
Attest = Annotated[
    bool,
    typer.Option(
        "--attest", help="Add the specification as an in-toto attestation of the image.", rich_help_panel=SIGNING
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Sign although `cosign verify` will then overlook a signature in its older format.",
        rich_help_panel=SIGNING,
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


def registry(
    plain_http: bool | None,
    insecure: bool | None,
    ca_file: Path | None,
    registry_config: Path | None,
    durable: bool | None = None,
    *,
    usually_durable: bool = False,
) -> "RegistryOptions":
    """Gather the registry options of a command; what it was not told, the settings may say."""
    from compatbuild.cli import settings
    from compatbuild.registry.options import RegistryOptions

    stated = settings.settings().registry
    durable = stated.durable if durable is None else durable
    return RegistryOptions(
        durable=usually_durable if durable is None else durable,
        plain_http=stated.plain_http if plain_http is None else plain_http,
        insecure=stated.insecure if insecure is None else insecure,
        ca_file=ca_file or settings.file(stated.ca_file),
        registry_config=registry_config or settings.file(stated.config),
    )


def cache(no_cache: bool) -> "Cache | None":
    """Open the cache of what was read before, COMPATBUILD_CACHE or the usual one; None where none can be kept."""
    from compatbuild.cache import open_cache
    from compatbuild.cli.output import tell

    place = os.environ.get("COMPATBUILD_CACHE", "")
    if no_cache:
        return None
    try:
        return open_cache(place)
    except UsageError as error:
        if place:
            raise
        tell(f"note: nothing is cached: {error.what}: {error.why}")
        return None


def limits(stated: list[str] | None) -> "Limits":
    """Return the caps on reading an image: those of the command line, else of the settings, else the usual ones."""
    from compatbuild.cli import settings
    from compatbuild.image.limits import DEFAULT, pairs

    return DEFAULT.stated({**settings.settings().limits, **pairs(tuple(stated or ()))})
