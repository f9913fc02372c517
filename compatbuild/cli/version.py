"""``compatbuild version``."""

from compatbuild.cli import options
from compatbuild.cli.output import emit, wanted
from compatbuild.version import __version__


def version(output: options.Output = None) -> None:
    """Print the version of the tool and of its knowledge.

    [dim]Example: compatbuild version -o json[/dim]
    """
    from compatbuild.knowledge import load
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    value = {"compatbuild": __version__, "knowledge": load().as_of}
    lines = f"compatbuild {__version__}, knowledge of {value['knowledge']}\n"
    emit(targets, {"table": lambda: lines, "json": lambda: to_json(value)})
