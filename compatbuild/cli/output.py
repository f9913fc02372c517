"""Where results go: ``-o FORMAT[=FILE]``, stdout for results and stderr for everything else."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import typer

from compatbuild.errors import CompatError, UsageError
from compatbuild.report.text import plain


@dataclass(frozen=True)
class Target:
    """One ``-o``: a format, and a file or None for stdout."""

    format: str
    file: Path | None


def targets(options: list[str] | None, formats: Mapping[str, object], default: str) -> tuple[Target, ...]:
    """Parse the ``-o`` options of a command that knows ``formats``."""
    found = []
    for option in options or [default]:
        name, _, file = option.partition("=")
        if name not in formats:
            near = get_close_matches(name, formats, 1)
            raise UsageError(
                f"unknown output format {plain(name)!r}",
                why=f"this command prints {', '.join(formats)}",
                remedy=f"use -o {near[0] if near else next(iter(formats))}",
            )
        found.append(Target(name, Path(file) if file not in ("", "-") else None))
    return tuple(found)


def emit(options: list[str] | None, formats: Mapping[str, Callable[[], str | None]], default: str) -> None:
    """Print each result asked for. A format is made only when it is wanted; one that prints itself returns None."""
    for target in targets(options, formats, default):
        text = formats[target.format]()
        if text is None:
            continue
        if target.file is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_file(target.file, text.encode())


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
            temporary.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary.name).chmod(0o666 & ~mask)
        Path(temporary.name).replace(path)
    except OSError as error:
        raise CompatError(
            f"cannot write {path}", why=str(error), remedy="name a file in a directory that you may write to"
        ) from error


def tell(text: str, *, quiet: bool = False) -> None:
    """Say something about what is going on, on stderr."""
    if not quiet:
        typer.echo(text, err=True)


def show_error(error: CompatError, *, as_json: bool) -> None:
    """Print an error on stderr: one line each of what, why and what to do, or one JSON object."""
    if as_json:
        from compatbuild.report.documents import to_json

        typer.echo(to_json(error.as_json()), err=True, nl=False)
        return
    for label, text in (("error", error.what), ("why", error.why), ("try", error.remedy)):
        if text:
            typer.echo(f"{label}: {plain(text)}", err=True)
