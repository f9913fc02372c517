"""What changed between two images' needs, as a table, as JSON and as markdown for a pull request."""

import json
from typing import Any

from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.inference.changes import Change, NeedChange
from compatbuild.inference.sides import Compared, Side
from compatbuild.report.cells import cell, code
from compatbuild.report.text import plain

DIFF_SCHEMA = "compatbuild.diff/v1"
STYLES = {
    Change.ADDED: "bold red",
    Change.TIGHTENED: "bold red",
    Change.CHANGED: "bold yellow",
    Change.LOOSENED: "green",
    Change.REMOVED: "green",
}
VERDICTS = {
    "same": "It needs the same of its host.",
    "more": "It needs more of its host.",
    "less": "It needs less of its host.",
    "mixed": "It needs more in some ways and less in others, or that cannot be told.",
}
NOTHING = "-"
"""What stands where nothing was or is asked."""


def as_value(compared: Compared) -> dict[str, Any]:
    """Return the comparison as the JSON value ``compatbuild.diff/v1`` (docs/diff.md)."""
    diff = compared.diff
    return {
        "schema": DIFF_SCHEMA,
        "old": _side(compared.old),
        "new": _side(compared.new),
        "direction": diff.direction,
        "requirements": [
            {"change": c.change.value, "subject": c.subject, "id": c.id, "old": c.old, "new": c.new} for c in diff.needs
        ],
        "facts": [{"change": c.change.value, "name": c.name, "old": c.old, "new": c.new} for c in diff.facts],
        "notes": list(diff.notes),
    }


def _side(side: Side) -> dict[str, str]:
    return {"kind": side.kind, "name": side.name, "digest": side.digest}


def table(compared: Compared) -> RenderableType:
    """Return the changes as a renderable, needs first."""
    diff = compared.diff
    parts: list[RenderableType] = [Text(VERDICTS[diff.direction], style="bold")]
    if diff.needs:
        parts += [Text(), _rows([(c.change, c.subject, *_both(c)) for c in diff.needs], "needs")]
    if diff.facts:
        parts += [Text(), _rows([(c.change, c.name, _shown(c.old), _shown(c.new)) for c in diff.facts], "facts")]
    if diff.notes:
        parts += [Text(), *(Text(f"note: {plain(note)}", style="dim") for note in diff.notes)]
    return Group(*parts)


def _rows(rows: list[tuple[Change, str, str, str]], title: str) -> RenderableType:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(title, no_wrap=True)
    for header in ("about", "before", "after"):
        grid.add_column(header, overflow="fold", ratio=1)
    for change, subject, old, new in rows:
        grid.add_row(Text(change.value, style=STYLES[change]), *(Text(plain(text)) for text in (subject, old, new)))
    return grid


def markdown(compared: Compared) -> str:
    """Return the changes as GitHub-flavoured markdown: what a comment on a pull request shows."""
    diff = compared.diff
    names = f"{code(compared.old.name)} → {code(compared.new.name)}"
    lines = ["### Did this change what the image needs of its host?", "", f"{names}: {VERDICTS[diff.direction]}"]
    if diff.needs:
        lines += ["", "| | requirement | before | after |", "|---|---|---|---|"]
        lines += [_line(c.change, c.subject, *_both(c)) for c in diff.needs]
    if diff.facts:
        lines += ["", "| | fact | before | after |", "|---|---|---|---|"]
        lines += [_line(c.change, c.name, _shown(c.old), _shown(c.new)) for c in diff.facts]
    if diff.notes:
        lines += ["", *(f"- {cell(note)}" for note in diff.notes)]
    return "\n".join(lines) + "\n"


def _line(change: Change, *texts: str) -> str:
    return f"| {change.value} | {' | '.join(map(cell, texts))} |"


def _both(change: NeedChange) -> tuple[str, str]:
    return change.old or NOTHING, change.new or NOTHING


def _shown(value: JsonValue) -> str:
    """Return a fact's value in short."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or NOTHING
    return value if isinstance(value, str) else json.dumps(value)
