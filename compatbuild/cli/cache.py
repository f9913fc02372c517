"""``compatbuild cache``."""

import os
from typing import TYPE_CHECKING

from compatbuild.cli import options
from compatbuild.cli.help import App
from compatbuild.cli.output import emit, tell, wanted

if TYPE_CHECKING:
    from compatbuild.cache.places import Directory

app = App(help="What was read of images before, so that it need not be read again.", no_args_is_help=True)


@app.command()
def show(output: options.Output = None) -> None:
    """Say where the cache is, and how much it holds.

    Formats: table, json. COMPATBUILD_CACHE names another directory, or any URL that fsspec reaches.

    [dim]Example: compatbuild cache show[/dim]
    """
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    found = _directory()
    entries, size = found.usage()
    value = {"path": found.name, "entries": entries, "bytes": size, "most": found.most}
    emit(
        targets,
        {
            "table": lambda: f"{found.name}: {entries:,} entries, {size / 1e6:,.1f} of {found.most / 1e6:,.0f} MB\n",
            "json": lambda: to_json(value),
        },
    )


@app.command()
def clear(quiet: options.Quiet = False) -> None:
    """Remove all that the cache holds; what runs meanwhile reads more, and no result changes.

    [dim]Example: compatbuild cache clear[/dim]
    """
    found = _directory()
    entries, size = found.usage()
    found.shrink(0)
    tell(f"{entries:,} entries ({size / 1e6:,.1f} MB) removed from {found.name}", quiet=quiet)


def _directory() -> "Directory":
    from compatbuild.cache.places import directory
    from compatbuild.errors import UsageError

    place = os.environ.get("COMPATBUILD_CACHE", "").removeprefix("file://")
    if "://" in place:
        raise UsageError(
            "the cache is not in a directory",
            why=f"COMPATBUILD_CACHE names a {place.partition('://')[0]} service",
            remedy="look at it, and clear it, with the tools of that service",
        )
    return directory(place)
