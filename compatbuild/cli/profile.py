"""``compatbuild profile list``, ``compatbuild profile show`` and ``compatbuild profile create``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compatbuild.cli import options
from compatbuild.cli.help import App
from compatbuild.cli.output import emit, wanted

if TYPE_CHECKING:
    from compatbuild.hosts.host import Host

app = App(help="What is known of the hosts of an operating system.")


@app.command("list")
def list_profiles(
    pattern: Annotated[str, typer.Argument(help="A name, an alias, a glob such as `rhel-*`, or `all`.")] = "all",
    output: options.Output = None,
) -> None:
    """List the profiles: those that ship with the tool, and your own in the directory of COMPATBUILD_PROFILES.

    [dim]Example: compatbuild profile list 'rhcos-*'[/dim]
    """
    from compatbuild.hosts.catalogue import matching, summary
    from compatbuild.report.documents import to_json
    from compatbuild.report.simple import columns

    targets = wanted(output, "table", "json")
    rows = [summary(document) for document in matching(pattern)]
    heads = ("name", "fidelity", "architectures", "kernel", "also called", "title")
    formats = {
        "table": lambda: columns(heads, [tuple(", ".join(cell) for cell in row.values()) for row in _cells(rows)]),
        "json": lambda: to_json({"profiles": rows}),
    }
    emit(targets, formats)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A profile's name or alias, or the file of one.")],
    output: options.Output = None,
) -> None:
    """Print a profile: options, modules and settings, with the source of each.

    [dim]Example: compatbuild profile show rhel-9.4[/dim]
    """
    from compatbuild.hosts.catalogue import single, text
    from compatbuild.report.documents import to_json

    targets = wanted(output, "yaml", "json")
    emit(targets, {"yaml": lambda: text(name), "json": lambda: to_json(single(name))})


@app.command()
def create(
    host: Annotated[bool, typer.Option("--host", help="Of this node.")] = False,
    root: Annotated[Path | None, typer.Option(help="Of the host whose root is mounted at this directory.")] = None,
    features: Annotated[str, typer.Option(metavar="FILE", help="Of a host that NFD exported; - is stdin.")] = "",
    node: Annotated[str, typer.Option(help="Which node of the export, if it holds several.")] = "",
    name: Annotated[str, typer.Option(help="Name of the profile.")] = "",
    title: Annotated[str, typer.Option(help="Title of the profile.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Keep every option and module of the kernel.")] = False,
    output: options.Output = None,
) -> None:
    """Make a profile of a host; names of machines, disks and boot entries are left out.

    [dim]Example: compatbuild profile create --host --name my-nodes -o yaml=profiles/my-nodes.yaml[/dim]
    """
    from compatbuild.hosts.create import created, written
    from compatbuild.report.documents import to_json

    targets = wanted(output, "yaml", "json")
    document = created(_host(root, features, node, host=host), name=name, title=title, full=full)
    emit(targets, {"yaml": lambda: written(document), "json": lambda: to_json(document)})


def _host(root: Path | None, features: str, node: str, *, host: bool) -> "Host":
    """Read the one host that the options name."""
    from compatbuild.errors import UsageError
    from compatbuild.hosts.exported import exported_host
    from compatbuild.hosts.node.host import node_host

    if sum((host, root is not None, bool(features))) != 1:
        raise UsageError(
            "a profile is made of one host",
            why="--host, --root and --features each name one",
            remedy="give exactly one of them",
        )
    if features:
        return exported_host(features, node)
    return node_host(root) if root else node_host()


def _cells(rows: list[dict[str, Any]]) -> list[dict[str, list[str]]]:
    return [{key: [value] if isinstance(value, str) else value for key, value in row.items()} for row in rows]
