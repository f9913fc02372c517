"""``compatbuild select``."""

from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.cli import options, signing
from compatbuild.cli.check import EXIT_INCOMPATIBLE, EXIT_OPEN
from compatbuild.cli.output import emit, tell, wanted, write_stdout

if TYPE_CHECKING:
    from compatbuild.checking.selection import Selection

References = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        help="Images with a specification attached (host/repository:tag, oci-dir:PATH:TAG). Of an index, every "
        "image in it is one to choose.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Only compatible images fit: an open verdict does not.")]
Only = Annotated[
    bool,
    typer.Option("-q", "--quiet", help="Print nothing but the winner's reference with its digest, for `docker run`."),
]


def select(
    references: References,
    host: options.ThisNode = False,
    root: options.Root = None,
    features: options.Features = None,
    system: options.System = None,
    min_fidelity: options.MinFidelity = None,
    gpu: options.Gpus = "",
    strict: Strict = False,
    output: options.Output = None,
    platform: options.Platform = None,
    key: options.Key = None,
    identity: options.Identity = "",
    issuer: options.Issuer = "",
    identity_regexp: options.IdentityRegexp = "",
    issuer_regexp: options.IssuerRegexp = "",
    trusted_root: options.TrustedRoot = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: Only = False,
) -> None:
    """Choose the best image for a host, or for each node of a cluster, among several or among those of an index.

    The best verdict wins (compatible, depends, unknown), then the weight of the set that fits, then the order given.
    Formats: table, json. Exit code 10 when no image fits some host, 11 with --strict when that is only as a verdict is
    open, 3 when no image has a specification. With a key, only signed specifications count.

    [dim]Example: compatbuild select registry.example/app:1.2 --features nodes.json[/dim]
    """
    from compatbuild import api

    formats = wanted(output, "table", "json")
    hosts = options.hosts(host, root, features, system, min_fidelity, platform)
    found = api.select(
        references,
        hosts,
        strict=strict,
        gpus=gpu,
        platform=platform,
        policy=signing.policy(signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root)),
        options=options.registry(plain_http, insecure, ca_file, registry_config),
        say=lambda line: tell(line, quiet=quiet),
    )
    from compatbuild.report import selection
    from compatbuild.report.documents import to_json

    if quiet and not output:
        write_stdout(selection.references(found))
    else:
        emit(
            formats,
            {"table": lambda: selection.table(found), "json": lambda: to_json(selection.as_value(found))},
        )
    _leave(found)


def _leave(found: "Selection") -> None:
    """End with the exit code of the host that is served worst."""
    verdicts = {one.nearest.verdict.verdict.value for one in found.unserved}
    if "incompatible" in verdicts:
        raise typer.Exit(EXIT_INCOMPATIBLE)
    if verdicts:
        raise typer.Exit(EXIT_OPEN)
