"""What changed from one record of a fleet to another: by team and image for people, ``compatbuild.fleet-diff/v1``."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.fleet.changes import KINDS, Change, Changes
from compatbuild.report.cells import cell
from compatbuild.report.fleet.table import STYLES
from compatbuild.report.text import plain, short_digest

MAX_ROWS = 200
MAX_HOSTS = 3
SCHEMA = "compatbuild.fleet-diff/v1"


def table(changes: Changes) -> RenderableType:
    """Return a row an image that changed, how many of each team did, and how many did not."""
    parts: list[RenderableType] = []
    if changes.changes:
        parts += [_grid(changes), Text()]
        if len(changes.changes) > MAX_ROWS:
            parts.append(Text(f"and {len(changes.changes) - MAX_ROWS:,} more; -o json has all of them\n"))
        parts += [_teams(changes), Text()]
    return Group(*parts, Text(summary(changes)))


def summary(changes: Changes) -> str:
    """Return how many images changed, and how."""
    counts = Counter(one.kind for one in changes.changes)
    told = [f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]]
    return ", ".join([*told, f"{changes.same:,} as before"])


def markdown(changes: Changes) -> str:
    """Return the same as markdown, for a summary of a CI job."""
    lines = ["| change | image | from | to | because |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.kind} | {cell(_name(one))} | {one.old} | {one.new} | {cell(_because(one))} |"
        for one in changes.changes[:MAX_ROWS]
    ]
    return "\n".join([*(lines if changes.changes else []), "", summary(changes)]).lstrip("\n") + "\n"


def as_value(changes: Changes) -> dict[str, Any]:
    """Return the changes for programs."""
    counts = Counter(one.kind for one in changes.changes)
    return {
        "schema": SCHEMA,
        "counts": {kind: counts[kind] for kind in KINDS} | {"same": changes.same},
        "by": changes.by,
        "teams": _by_team(changes),
        "changes": [asdict(one) for one in changes.changes],
    }


def _by_team(changes: Changes) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for one in changes.changes:
        for team in one.teams:
            found.setdefault(team, Counter())[one.kind] += 1
    return {team: {kind: found[team][kind] for kind in KINDS} for team in sorted(found)}


def _teams(changes: Changes) -> Table:
    grid = _columns(plain(changes.by.partition(":")[2] or changes.by), *KINDS)
    for team, counts in _by_team(changes).items():
        grid.add_row(Text(plain(team, 60)), *(Text(f"{counts[kind] or ''}") for kind in KINDS))
    return grid


def _grid(changes: Changes) -> Table:
    grid = _columns("change", "image", "verdict", "because")
    for one in changes.changes[:MAX_ROWS]:
        verdict = Text(one.new or one.old, STYLES.get(one.new or one.old, ""))
        if one.old and one.new and one.old != one.new:
            verdict = Text.assemble(one.old, " to ", verdict)
        grid.add_row(one.kind, Text(plain(_name(one), 300)), verdict, Text(plain(_because(one), 300)))
    return grid


def _name(one: Change) -> str:
    name, at, digest = one.name.partition("@")
    moved = one.old_digest and one.new_digest and one.old_digest != one.new_digest
    return f"{name}{at}{short_digest(digest)}" + (f" (now {short_digest(one.new_digest)})" if moved else "")


def _because(one: Change) -> str:
    parts = [one.new_requirement or one.old_requirement]
    if one.old_origin and one.new_origin and one.old_origin != one.new_origin:
        parts.append(f"its specification was {one.old_origin}, now {one.new_origin}")
    if one.hosts:
        names = ", ".join(host.host for host in one.hosts[:MAX_HOSTS])
        more = f" and {len(one.hosts) - MAX_HOSTS} more" if len(one.hosts) > MAX_HOSTS else ""
        parts.append(f"on {names}{more}")
    return "; ".join(filter(None, parts))


def _columns(*names: str) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(names):
        grid.add_column(name.upper(), overflow="fold", ratio=1 if number == len(names) - 1 else None)
    return grid
