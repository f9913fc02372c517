"""``compatbuild fleet check``, ``fleet show`` and ``fleet diff``; ``compatbuild fleet SOURCE`` is the first of them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compatbuild.cli import fleet_options as fleet
from compatbuild.cli import options, signing
from compatbuild.cli.check import EXIT_INCOMPATIBLE, EXIT_OPEN
from compatbuild.cli.help import App, Group
from compatbuild.cli.output import Target, emit, tell, wanted

if TYPE_CHECKING:
    from compatbuild.api import FleetRun

EXIT_ERRORS = 1
TOGETHER = 100
"""Rows that are written at a time."""
FORMATS = ("table", "jsonl", "html", "sarif")
FAILURES = ("incompatible", "open")


class FleetGroup(Group):
    """A group whose first word may also be a source: then ``check`` is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``check`` before what is neither a command nor a wish for help."""
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"} and not ctx.resilient_parsing:
            args = ["check", *args]
        return super().parse_args(ctx, args)


app = App(help="Everything that a registry holds or a cluster runs.", group=FleetGroup)


@app.command()
def check(
    sources: fleet.Sources,
    host: options.ThisNode = False,
    root: options.Root = None,
    features: options.Features = None,
    system: options.System = None,
    min_fidelity: options.MinFidelity = None,
    gpu: options.Gpus = "",
    infer_missing: fleet.InferMissing = False,
    limit: options.Limit = None,
    cache: fleet.CachePlace = "",
    no_cache: options.NoCache = False,
    fail_on: fleet.FailOn = None,
    by: fleet.By = "",
    tag: fleet.Tags = None,
    repository: fleet.Repositories = None,
    results: fleet.Results = None,
    workers: fleet.Workers = 0,
    per_host: fleet.PerHost = 8,
    scheduler: fleet.Scheduler = "",
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
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Say of every image of a registry or a cluster on which hosts it can run, one row an image.

    Only what is attached is read, and no layer. Formats: table, jsonl, html, sarif. Exit code 1 when an image could not
    be told about; with --fail-on 10 when one is incompatible, 11 when a verdict is open. With a key or an identity,
    typed or in .compatbuild.yaml, only specifications that their author signed count.

    [dim]Example: compatbuild fleet check pods:pods.json --os 'rhel-9*' --results fleet.jsonl[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import counting
    from compatbuild.fleet.sources.read import Filters

    formats = wanted(output, *FORMATS)
    failures = _known(fail_on, FAILURES)
    _check_by(by)
    hosts = options.hosts(host, root, features, system, min_fidelity, platform)
    policy = signing.policy(signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root))
    with ExitStack() as stack:
        if results is None:
            results = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compatbuild-"))) / "fleet.jsonl"
        advance = stack.enter_context(counting(shown=not (quiet or no_progress)))
        run = api.check_fleet(
            sources,
            hosts,
            results,
            filters=Filters(tuple(repository or ()), tuple(tag or ())),
            infer_missing=infer_missing,
            gpus=gpu,
            platform=platform,
            policy=policy,
            limits=options.limits(limit),
            options=options.registry(plain_http, insecure, ca_file, registry_config),
            cache=None if no_cache else cache,
            engines=api.Engines(workers, per_host, scheduler),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
        )
        _say_how_it_went(run, quiet=quiet)
        _print(run, formats, by)
        _leave(run, failures)


@app.command()
def show(
    results: fleet.File,
    fail_on: fleet.FailOn = None,
    by: fleet.By = "",
    output: options.Output = None,
) -> None:
    """Print the rows of a record, of a run that is through or was ended.

    Formats: table, jsonl, html, sarif. Exit codes are those of `fleet check`.

    [dim]Example: compatbuild fleet show fleet.jsonl --by namespace[/dim]
    """
    from compatbuild import api

    formats = wanted(output, *FORMATS)
    failures = _known(fail_on, FAILURES)
    _check_by(by)
    run = api.read_fleet(results)
    _print(run, formats, by)
    _leave(run, failures)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The record of an earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="What to compare it with.")],
    by: fleet.Whose = "namespace",
    fail_on: Annotated[
        list[str] | None,
        typer.Option("--fail-on", metavar="worse|any", help="End with exit code 10 when something is so; repeatable."),
    ] = None,
    output: options.Output = None,
) -> None:
    """Say what changed between two runs: images that are new or gone, verdicts, what decides; and for which team.

    An image is found again by its digest, else by a name. Formats: table, json, markdown. Exit code 10 when --fail-on
    says so.

    [dim]Example: compatbuild fleet diff last-week.jsonl today.jsonl --by label:team --fail-on worse[/dim]
    """
    from compatbuild import api
    from compatbuild.report.documents import to_json
    from compatbuild.report.fleet import changes

    targets = wanted(output, "table", "json", "markdown")
    wishes = _known(fail_on, ("worse", "any"))
    _check_by(by)
    found = api.diff_fleet(old, new, by=by)
    emit(
        targets,
        {
            "table": lambda: changes.table(found),
            "json": lambda: to_json(changes.as_value(found)),
            "markdown": lambda: changes.markdown(found),
        },
    )
    worse = any(one.kind == "worse" for one in found.changes)
    if ("any" in wishes and found.changes) or ("worse" in wishes and worse):
        raise typer.Exit(EXIT_INCOMPATIBLE)


def _known(fail_on: list[str] | None, known: tuple[str, ...]) -> frozenset[str]:
    from compatbuild.errors import UsageError

    for one in fail_on or ():
        if one not in known:
            raise UsageError(
                f"{one!r} is nothing to fail on", why=f"known are {', '.join(known)}", remedy=f"--fail-on {known[0]}"
            )
    return frozenset(fail_on or ())


def _check_by(by: str) -> None:
    from compatbuild.fleet.tally import check_by

    if by:
        check_by(by)


def _say_how_it_went(run: "FleetRun", *, quiet: bool) -> None:
    progress = run.progress
    if progress.known:
        tell(f"{progress.known:,} images were in {run.path} already", quiet=quiet)
    if progress.left_out:
        first = progress.left_out[0]
        more = f" and {len(progress.left_out) - 1:,} more" if len(progress.left_out) > 1 else ""
        tell(f"left out, as they are no images: {first}{more}", quiet=quiet)


def _print(run: "FleetRun", formats: tuple[Target, ...], by: str) -> None:
    from compatbuild.report.documents import to_json
    from compatbuild.report.fleet import sarif, table
    from compatbuild.report.fleet.page.render import html

    made: dict[str, Any] = {
        "table": lambda: table.by_team(run.rows(), by) if by else table.table(run.rows()),
        "jsonl": lambda: _lines(run),
        "html": lambda: html(run.header, run.rows()),
        "sarif": lambda: to_json(sarif.document(run.rows())),
    }
    emit(formats, made)


def _lines(run: "FleetRun") -> Iterator[str]:
    """Yield the record as it is when it is through, some MB at a time: there may be many."""
    from itertools import islice

    from compatbuild.fleet.rows import to_line

    yield to_line(run.header).decode()
    rows = run.rows()
    while lines := "".join(to_line(row).decode() for row in islice(rows, TOGETHER)):
        yield lines


def _leave(run: "FleetRun", failures: frozenset[str]) -> None:
    """End with the exit code of the rows: what was asked to fail on comes before what could not be told."""
    from compatbuild.fleet.tally import Tally

    tally = Tally()
    for row in run.rows():
        tally.add(row)
    found = tally.verdicts
    if "incompatible" in failures and found["incompatible"]:
        raise typer.Exit(EXIT_INCOMPATIBLE)
    if found["error"]:
        raise typer.Exit(EXIT_ERRORS)
    if "open" in failures and (found["unknown"] or found["depends"]):
        raise typer.Exit(EXIT_OPEN)
