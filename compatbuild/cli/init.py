"""``compatbuild init``."""

from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli.output import tell


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to write.")] = Path(),
    template: Annotated[
        str, typer.Option("-t", "--template", metavar="NAME", help="default, gpu, hpc-mpi, dpdk or minimal.")
    ] = "default",
    image: Annotated[str | None, typer.Option(metavar="REF", help="The image the settings are about.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write a template (compat.yaml.j2) and settings (.compatbuild.yaml) to keep in git.

    [dim]Example: compatbuild init --template gpu[/dim]
    """
    from compatbuild.refine.init import init as write

    for path in write(directory, template=template, image=image, force=force):
        tell(f"wrote {path}")
    tell("next: edit the template, then `compatbuild refine SOURCE` shows what becomes of it")
