"""A fleet on a terminal: how many images came to what, and the worst of them."""

import heapq
from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.fleet.rows import Row
from compatbuild.fleet.tally import WORDS, Tally, rank, tallies, word
from compatbuild.report.text import plain, short_digest

MAX_ROWS = 100
"""Images in a table; a fleet has thousands, and those are for the page and for programs."""
MAX_REASON = 300
STYLES = {"incompatible": "bold red", "error": "bold red", "unknown": "magenta", "depends": "yellow", "compatible": "green"}  # fmt: skip  # noqa: E501


def table(rows: Iterable[Row]) -> RenderableType:
    """Return the worst images, a row each, and what all of them came to."""
    tally = Tally()

    def counted() -> Iterable[Row]:
        for row in rows:
            tally.add(row)
            yield row

    shown = heapq.nsmallest(MAX_ROWS, counted(), key=rank)
    parts: list[RenderableType] = [_grid(shown), Text()]
    if tally.images > len(shown):
        parts.append(Text(f"and {tally.images - len(shown):,} more; -o html has all of them\n"))
    return Group(*parts, summary(tally))


def by_team(rows: Iterable[Row], by: str) -> RenderableType:
    """Return how many images of each team came to what, the teams with most to do first."""
    grid = _columns(by.partition(":")[2] or by, *(one for one in WORDS), "mostly because")
    found = tallies(rows, by)
    for team, tally in sorted(found.items(), key=lambda one: [*(-one[1].verdicts[name] for name in WORDS), one[0]]):
        cells = (Text(str(tally.verdicts[name] or ""), STYLES[name]) for name in WORDS)
        ((reason, _),) = tally.requirements.most_common(1) or [("", 0)]
        grid.add_row(Text(plain(team, 60)), *cells, Text(plain(reason, MAX_REASON)))
    return grid


def summary(tally: Tally) -> Text:
    """Return what a fleet came to, in three lines."""
    lines = [f"{tally.images:,} image{'' if tally.images == 1 else 's'}: {told(tally.verdicts, WORDS[::-1])}"]
    lines.append(f"specifications: {told(tally.origins, ('attached', 'inferred', 'none', 'error'))}")
    signatures = told(tally.signatures, ("verified", "unchecked", "unsigned", "untrusted"))
    return Text("\n".join([*lines, *([f"signatures: {signatures}"] if signatures else [])]))


def told(counts: Mapping[str, int], names: Iterable[str]) -> str:
    """Return counts as people read them, without those that are none."""
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts[name])


def _grid(rows: Iterable[Row]) -> Table:
    grid = _columns("verdict", "hosts", "image", "because")
    for row in rows:
        hosts = f"{row.counts.get(row.verdict, 0)}/{sum(row.counts.values())}"
        because = f"{row.error.what}: {row.error.why}" if row.error else _because(row)
        grid.add_row(Text(word(row), STYLES[word(row)]), hosts, _name(row), Text(plain(because, MAX_REASON)))
    return grid


def _because(row: Row) -> str:
    first = next((group for group in row.groups if group.requirement == row.requirement), None)
    if row.verdict == "compatible" or first is None:
        return ""
    return ": ".join(filter(None, (first.requirement, first.reason)))


def _name(row: Row) -> Text:
    more = f" and {len(row.names) - 1} more" if len(row.names) > 1 else ""
    users = f" ({len(row.used_by)} uses)" if len(row.used_by) > 1 else ""
    name, at, digest = row.names[0].partition("@")
    return Text(plain(f"{name}{at}{short_digest(digest)}{more}{users}", MAX_REASON))


def _columns(*names: str) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(names):
        last = number == len(names) - 1
        grid.add_column(plain(name).upper(), overflow="fold", ratio=1 if last or name == "image" else None)
    return grid
