"""``compatbuild docker install-plugin``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli.help import App
from compatbuild.cli.output import tell

app = App(help="All of this as a command of docker.")


@app.callback()
def docker() -> None:
    """All of this as a command of docker."""


@app.command("install-plugin")
def install_plugin(
    directory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to write it. Default: cli-plugins in $DOCKER_CONFIG, else in ~/.docker.",
        ),
    ] = None,
) -> None:
    """Make every command here one of docker's: `docker compat infer`.

    [dim]Example: compatbuild docker install-plugin[/dim]
    """
    from compatbuild.ci.docker_plugin import install

    tell(f"wrote {install(directory, os.environ)}: try `docker compat --help`")
