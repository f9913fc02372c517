"""Many images on many hosts: a table that fits a terminal, and the same as markdown."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.checking.verdicts import Checked, HostVerdict, Verdict
from compatbuild.report.text import plain
from compatbuild.report.verdicts import because

STYLES = {
    Verdict.COMPATIBLE: "green",
    Verdict.INCOMPATIBLE: "bold red",
    Verdict.DEPENDS: "yellow",
    Verdict.UNKNOWN: "magenta",
}
MAX_REASON = 300  # characters of a reason in a table
MAX_NAME = 60  # characters of a host's name


def table(checked: Sequence[Checked]) -> RenderableType:
    """Return one row a host (for one image with what decides it, for several a column each), and a summary."""
    return Group(_grid(checked), Text(), summary(checked))


def _grid(checked: Sequence[Checked]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("HOST", overflow="fold", max_width=26)
    if len(checked) == 1:
        grid.add_column("VERDICT", no_wrap=True)
        grid.add_column("BECAUSE", overflow="fold", ratio=1)
        for one in checked[0].hosts:
            grid.add_row(_name(one), _word(one), Text(plain(because(one), MAX_REASON)))
        return grid
    for at, _ in enumerate(checked, 1):
        grid.add_column(f"[{at}]", no_wrap=True)
    for row in zip(*(one.hosts for one in checked), strict=True):
        grid.add_row(_name(row[0]), *map(_word, row))
    return grid


def summary(checked: Sequence[Checked]) -> Text:
    """Return what was checked, and how many hosts came to which verdict."""
    lines = []
    for at, one in enumerate(checked, 1):
        counts = Counter(host.verdict for host in one.hosts)
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in reversed(Verdict) if counts[verdict])
        number = f"[{at}] " if len(checked) > 1 else ""
        lines.append(f"{number}{plain(one.subject.name)}: {told or 'no hosts'}")
        lines += [f"note: {plain(text)}" for text in one.subject.information]
    return Text("\n".join(lines))


def markdown(checked: Sequence[Checked]) -> str:
    """Return the table as markdown, for a summary of a CI job or a pull request."""
    if len(checked) == 1:
        rows = (f"| {_cell(one.name)} | {one.verdict} | {_cell(because(one))} |" for one in checked[0].hosts)
        lines = ["| host | verdict | because |", "|---|---|---|", *rows]
    else:
        names = " | ".join(_cell(one.subject.name) for one in checked)
        lines = [f"| host | {names} |", "|---" * (len(checked) + 1) + "|"]
        for row in zip(*(one.hosts for one in checked), strict=True):
            lines.append(f"| {_cell(row[0].name)} | {' | '.join(one.verdict for one in row)} |")
    return "\n".join([*lines, "", *(_cell(line) for line in summary(checked).plain.splitlines())]) + "\n"


def _name(one: HostVerdict) -> Text:
    return Text(plain(one.name, MAX_NAME))


def _word(one: HostVerdict) -> Text:
    return Text(one.verdict.value, style=STYLES[one.verdict])


def _cell(text: str) -> str:
    """Return text that markdown shows as it is: no column, link, code or HTML can be made of it."""
    shown = plain(text, MAX_REASON).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\|`*_[]" else char for char in shown)
