"""Tables and coloured text on a terminal; plain text anywhere else."""

import os
import shutil
import sys
from io import StringIO

from rich.console import Console, RenderableType

from compatbuild.report.colours import coloured

PIPE_WIDTH = 100
"""Columns of a table that does not go to a terminal, unless COLUMNS says otherwise."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on a stream: a terminal's own width, and colours only where they are welcome."""
    stream = sys.stderr if stderr else sys.stdout
    colours = coloured(stream)
    return Console(
        file=stream,
        width=None if stream.isatty() else pipe_width(),
        force_terminal=stream.isatty() or colours,
        color_system=("auto" if stream.isatty() else "standard") if colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={**os.environ, "FORCE_COLOR": "", "NO_COLOR": ""},  # decided above
    )


def pipe_width() -> int:
    """Return how many columns a table has that does not go to a terminal."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPE_WIDTH


def stdout_width() -> int:
    """Return how many columns a table on stdout has."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else pipe_width()


def to_stdout(part: RenderableType) -> str:
    """Render to what stdout is to get, with the colours and the width it has."""
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(part)
    text = captured.get()
    return text if terminal.is_terminal else _trimmed(text)


def to_text(*parts: RenderableType, width: int = PIPE_WIDTH) -> str:
    """Render parts to plain text of at most ``width`` columns, whatever the environment says of colours."""
    buffer = StringIO()
    plain = Console(
        file=buffer, width=width, force_terminal=False, color_system=None, highlight=False, markup=False, emoji=False
    )
    for part in parts:
        plain.print(part)
    return _trimmed(buffer.getvalue())


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
