"""``compatbuild detector list`` and ``compatbuild detector explain``."""

from typing import Annotated, Any

import typer

from compatbuild.cli import options
from compatbuild.cli.help import App
from compatbuild.cli.output import emit, wanted

app = App(help="What the detectors look at, and what they conclude.")


@app.command("list")
def list_detectors(output: options.Output = None) -> None:
    """List the detectors.

    [dim]Example: compatbuild detector list[/dim]
    """
    from compatbuild.report.documents import to_json
    from compatbuild.report.simple import columns

    targets = wanted(output, "table", "json")
    found = _described()
    formats = {
        "table": lambda: columns(("detector", "what it finds"), [(d["id"], d["title"]) for d in found]),
        "json": lambda: to_json({"detectors": found}),
    }
    emit(targets, formats)


@app.command()
def explain(
    detector: Annotated[str, typer.Argument(metavar="ID", help="A detector's id, as `detector list` shows it.")],
    output: options.Output = None,
) -> None:
    """Say what one detector asks of an image and which facts and NFD features it leads to.

    [dim]Example: compatbuild detector explain cuda_code[/dim]
    """
    from difflib import get_close_matches

    from compatbuild.errors import NotFoundError
    from compatbuild.report.documents import to_json, to_yaml

    targets = wanted(output, "yaml", "json")
    by_id = {d["id"]: d for d in _described()}
    if detector not in by_id:
        near = get_close_matches(detector, by_id, 1)
        raise NotFoundError(
            f"there is no detector {detector!r}",
            why=f"the detectors are {', '.join(by_id)}",
            remedy=f"did you mean {near[0]}?" if near else "see `compatbuild detector list`",
        )
    chosen = by_id[detector]
    emit(targets, {"yaml": lambda: to_yaml(chosen), "json": lambda: to_json(chosen)})


def _described() -> list[dict[str, Any]]:
    """Return every detector as the JSON value that both commands print."""
    from compatbuild.detectors import discover

    return [
        {
            "id": d.id,
            "title": d.title,
            "docs": d.docs,
            "facts": list(d.facts),
            "features": list(d.features),
            "asks": {
                "elf": d.interests.elf,
                "device_code": d.interests.device_code,
                "bpf": d.interests.bpf,
                "go": d.interests.go,
                "packages": d.interests.packages,
                "files": [f.glob for f in d.interests.files],
                "markers": [m.id for m in d.interests.markers],
                "env": list(d.interests.env),
                "labels": list(d.interests.labels),
                "config": list(d.interests.config),
            },
        }
        for d in discover()
    ]
