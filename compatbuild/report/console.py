"""Tables and coloured text on a terminal; plain text anywhere else."""

import os
import sys
from io import StringIO

from rich.console import Console, RenderableType

PIPE_WIDTH = 100
"""Columns of a table that does not go to a terminal, unless COLUMNS says otherwise."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on a terminal; it honours NO_COLOR, TERM=dumb and the width it gets."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def pipe_width() -> int:
    """Return how many columns a table has that does not go to a terminal."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPE_WIDTH


def to_terminal(part: RenderableType) -> str:
    """Render to what the terminal that is stdout shows, with the colours and the width it has."""
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(part)
    return captured.get()


def to_text(*parts: RenderableType, width: int = PIPE_WIDTH) -> str:
    """Render parts to plain text of at most ``width`` columns."""
    buffer = StringIO()
    plain = Console(file=buffer, width=width, no_color=True, highlight=False, markup=False, emoji=False)
    for part in parts:
        plain.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
