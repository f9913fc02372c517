"""Plain tables: a header and rows of text, as wide as the terminal allows."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from compatbuild.report.console import stdout_width, to_text
from compatbuild.report.text import plain


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a header as aligned text; the last column takes what width is left and wraps."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    for index, name in enumerate(header):
        table.add_column(name.upper(), overflow="fold", ratio=1 if index == len(header) - 1 else None)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return to_text(table, width=stdout_width())
