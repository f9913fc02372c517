"""``compatbuild check``."""

from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.cli import options, signing
from compatbuild.cli.output import Target, emit, tell, wanted, write_stdout

if TYPE_CHECKING:
    from compatbuild.checking.loading import Loaded
    from compatbuild.checking.verdicts import Checked
    from compatbuild.hosts.host import Host

EXIT_INCOMPATIBLE = 10
EXIT_OPEN = 11

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="REF|SPEC|SOURCE...",
        help="A reference with a specification attached, a file with a specification or a report, "
        "or an image to be read now (registry:NAME, oci-archive:FILE, a directory).",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 11 when a verdict is open.")]
NfdCompat = Annotated[
    bool, typer.Option("--nfd-compat", help="Print what `nfd compat validate-node --output-json` prints.")
]
Explain = Annotated[bool, typer.Option("-v", "--verbose", help="Explain every expression.")]


def check(
    targets: Targets,
    host: options.ThisNode = False,
    root: options.Root = None,
    features: options.Features = None,
    system: options.System = None,
    min_fidelity: options.MinFidelity = None,
    gpu: options.Gpus = "",
    strict: Strict = False,
    nfd_compat: NfdCompat = False,
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
    limit: options.Limit = None,
    no_cache: options.NoCache = False,
    verbose: Explain = False,
    quiet: options.Quiet = False,
) -> None:
    """Say on which hosts an image can run, and what decides it on the others.

    Formats: table, summary, json, markdown, html, sarif, junit, badge. Exit code 10 when a host is incompatible, 11
    with --strict when none is but a verdict is open, 3 when nothing is attached. With a key or an identity, typed or in
    .compatbuild.yaml, only a specification that its author signed counts: 13 when there is none.

    [dim]Example: compatbuild check oci-dir:build/image:v1 --os all[/dim]
    """
    from compatbuild import api

    formats = wanted(output, "table", "summary", "json", "markdown", "html", "sarif", "junit", "badge")
    hosts = options.hosts(host, root, features, system, min_fidelity, platform)
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    whom = signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root)
    policy = signing.policy(whom)

    limits, cache = options.limits(limit), options.cache(no_cache)

    def say(line: str) -> None:
        tell(line, quiet=quiet)

    def load(target: str) -> "Loaded":
        return api.load_target(
            target, hosts, platform=platform, policy=policy, options=registry, say=say, limits=limits, cache=cache
        )

    if nfd_compat:
        for target in targets:
            write_stdout(_status(load(target), hosts))
        return
    checked = [api.check_loaded(load(target), hosts, gpus=gpu) for target in targets]
    for one in checked:
        if one.subject.level:
            say(_origin(one))
    _print(checked, formats, verbose=verbose)
    _leave(checked, strict=strict)


def _status(loaded: "Loaded", hosts: "tuple[Host, ...]") -> str:
    from compatbuild.checking.nfd_status import status_document
    from compatbuild.errors import UsageError

    if len(hosts) != 1:
        raise UsageError(
            f"--nfd-compat is about one host, not {len(hosts)}",
            why="NFD's document says nothing of which host it is about",
            remedy="name one host",
        )
    return status_document(loaded.spec, hosts[0].features)


def _origin(one: "Checked") -> str:
    level = "the index" if one.subject.level == "index" else "the image"
    signed = "signed as demanded" if one.subject.verified else "signature not looked at"
    return f"{one.subject.name}: the specification of {level} {one.subject.digest}, {signed}"


def _print(checked: "list[Checked]", formats: tuple[Target, ...], *, verbose: bool) -> None:
    from compatbuild import api
    from compatbuild.report import badge, matrix, reasons, verdicts, verdicts_junit, verdicts_sarif
    from compatbuild.report.documents import to_json
    from compatbuild.report.page.render import html

    explained = "\n".join(map(verdicts.explanation, checked)) if verbose else ""
    emit(
        formats,
        {
            "table": lambda: explained or matrix.table(checked),
            "summary": lambda: reasons.summary(checked),
            "json": lambda: to_json(verdicts.as_values(checked)),
            "markdown": lambda: matrix.markdown(checked),
            "html": lambda: html(checked),
            "sarif": lambda: to_json(verdicts_sarif.document(checked, api.read_file)),
            "junit": lambda: verdicts_junit.document(checked),
            "badge": lambda: badge.badge(checked),
        },
    )


def _leave(checked: "list[Checked]", *, strict: bool) -> None:
    """End with the exit code of the verdicts: the worst host of any image counts."""
    found = {host.verdict.value for one in checked for host in one.hosts}
    if "incompatible" in found:
        raise typer.Exit(EXIT_INCOMPATIBLE)
    if strict and found - {"compatible"}:
        raise typer.Exit(EXIT_OPEN)
