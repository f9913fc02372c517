"""Text from images in a cell of a markdown table, where it must not become markup or end the cell."""

from compatbuild.report.text import plain


def cell(text: str) -> str:
    """Escape a text for a cell of a markdown table."""
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;")
    for char in "\\|`*_[]#":
        escaped = escaped.replace(char, f"\\{char}")
    return escaped


def code(text: str) -> str:
    """Return a text as code; escaped where a table cell's code cannot hold it (a pipe behind a backslash ends it)."""
    shown = plain(text)
    return f"`{shown}`" if shown and not set(shown) & set("`|\\") else cell(text)
