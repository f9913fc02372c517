"""Where results go: ``-o FORMAT[=FILE]``, stdout for results and stderr for everything else."""

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from compatbuild.errors import CompatError, UsageError
from compatbuild.report.text import plain

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Target:
    """One ``-o``: a format, and a file or None for stdout."""

    format: str
    file: Path | None


def wanted(options: list[str] | None, *formats: str) -> tuple[Target, ...]:
    """Parse the ``-o`` options of a command that knows these formats, the first of which is what it prints unasked.

    Commands call this before they do anything, so that a misspelt format costs nobody a long run.
    """
    found = []
    for option in options or formats[:1]:
        name, _, file = option.partition("=")
        if name not in formats:
            near = get_close_matches(name, formats, 1)
            raise UsageError(
                f"unknown output format {name!r}",
                why=f"this command prints {', '.join(formats)}",
                remedy=f"use -o {near[0] if near else formats[0]}",
            )
        found.append(Target(name, Path(file) if file not in ("", "-") else None))
    return tuple(found)


def emit(targets: Iterable[Target], formats: Mapping[str, Callable[[], "RenderableType | Iterator[str]"]]) -> None:
    """Put each result where it was asked for; one is made only when it is wanted, piece by piece if it comes so."""
    for target in targets:
        result = formats[target.format]()
        if isinstance(result, Iterator):
            _pass_on(result, target.file)
        elif target.file is not None:
            write_file(target.file, _text(result, stdout=False).encode())
        else:
            write_stdout(_text(result, stdout=True))


def _pass_on(pieces: Iterator[str], file: Path | None) -> None:
    if file is not None:
        write_file(file, (piece.encode() for piece in pieces))
        return
    for piece in pieces:
        write_stdout(piece)


def _text(result: "RenderableType", *, stdout: bool) -> str:
    if isinstance(result, str):
        return result
    from compatbuild.report import console

    return console.to_stdout(result) if stdout else console.to_text(result, width=console.pipe_width())


def write_stdout(text: str) -> None:
    """Write a result to stdout, whole: what cannot be written is an error here, and not when the process ends."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # a reader that has seen enough is no error
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        raise CompatError(
            "cannot write the result to stdout",
            why=error.strerror or str(error),
            remedy="make room, or write it elsewhere with -o FORMAT=FILE",
        ) from error


def write_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all, through a link to where it points; a device or a pipe is written as it is."""
    pieces = [data] if isinstance(data, bytes) else data
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                device.writelines(pieces)
        else:
            _replace(Path(os.path.realpath(path)), pieces)
    except OSError as error:
        raise CompatError(
            f"cannot write {path}",
            why=error.strerror or str(error),
            remedy="make room, or write it elsewhere"
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else "name a file in a directory that you may write to",
        ) from error


def _replace(path: Path, pieces: Iterable[bytes]) -> None:
    """Put a file in place of another, with the permissions that a new file gets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0)
    os.umask(mask)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        try:
            temporary.writelines(pieces)
            temporary.flush()
            Path(temporary.name).chmod(0o666 & ~mask)
            Path(temporary.name).replace(path)
        except BaseException:
            Path(temporary.name).unlink()
            raise


def tell(text: str, *, quiet: bool = False) -> None:
    """Say something about what is going on, on stderr."""
    if not quiet:
        typer.echo(plain(text), err=True)


def show_error(error: CompatError, *, as_json: bool) -> None:
    """Print an error on stderr: one line each of what, why and what to do, or one JSON object."""
    if as_json:
        from compatbuild.report.documents import to_json

        typer.echo(to_json(error.as_json()), err=True, nl=False)
        return
    for label, text in (("error", error.what), ("why", error.why), ("try", error.remedy)):
        if text:
            typer.echo(f"{label}: {plain(text)}", err=True)
