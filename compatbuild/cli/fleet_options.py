"""The options of ``compatbuild fleet``."""

from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="A file of references (one a line), registry:HOST/PREFIX, pods:FILE (`kubectl get pods -A -o json`; - is "
        "stdin), compose:FILE.",
    ),
]
FILTERS, ENGINE, RECORD = "Which images of a registry", "Where the work is done", "The record"
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="GLOB", help="Only tags like this; repeatable.", rich_help_panel=FILTERS),
]
Repositories = Annotated[
    list[str] | None,
    typer.Option(
        "--repository", metavar="GLOB", help="Only repositories like this; repeatable.", rich_help_panel=FILTERS
    ),
]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write rows here as they come, JSON lines; a run that was ended goes on where it was.",
        rich_help_panel=RECORD,
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        metavar="incompatible|open",
        help="End with 10 when an image is incompatible with a host, with 11 when a verdict is open; repeatable.",
    ),
]
By = Annotated[
    str,
    typer.Option(metavar="namespace|label:NAME|registry", help="Print a table of teams: how many images came to what."),
]
InferMissing = Annotated[
    bool, typer.Option("--infer-missing", help="Read the images that carry no specification, layers and all.")
]
Workers = Annotated[
    int,
    typer.Option(min=0, max=1024, help="Processes; 0 for one a core.", rich_help_panel=ENGINE),
]
PerHost = Annotated[
    int,
    typer.Option(min=1, max=256, help="Requests in flight to one registry.", rich_help_panel=ENGINE),
]
CachePlace = Annotated[
    str,
    typer.Option(
        "--cache",
        metavar="DIRECTORY|URL",
        envvar="COMPATBUILD_CACHE",
        help="With --infer-missing: where what layers hold is kept, a directory or any place that fsspec and all "
        "workers reach (s3://bucket/prefix). Default: the cache of `infer`.",
        rich_help_panel=ENGINE,
    ),
]
Scheduler = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        envvar="COMPATBUILD_SCHEDULER",
        help="Work on the Dask cluster of this scheduler (tcp://HOST:8786) instead of this machine.",
        rich_help_panel=ENGINE,
    ),
]
Whose = Annotated[str, typer.Option("--by", metavar="namespace|label:NAME|registry", help="Whose the images are.")]
File = Annotated[Path, typer.Argument(metavar="RESULTS", help="What `fleet check --results` wrote.")]
