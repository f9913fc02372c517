"""Many images on many hosts: a table that fits a terminal, and the same as markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.checking.verdicts import Checked, HostVerdict, Verdict
from compatbuild.report.counts import counted, told
from compatbuild.report.text import plain
from compatbuild.report.verdicts import MARKS, because

STYLES = {
    Verdict.COMPATIBLE: "green",
    Verdict.INCOMPATIBLE: "bold red",
    Verdict.DEPENDS: "yellow",
    Verdict.UNKNOWN: "magenta",
}
MAX_REASON = 300  # characters of a reason in a table
MAX_NAME = 60  # characters of a host's name
NAME_WIDTH = 28  # columns of a host's name; the longest of a profile has 27
GAP = 2  # columns between two columns of a table
LEGEND = ", ".join(f"{MARKS[verdict]} {verdict}" for verdict in reversed(Verdict))


def table(checked: Sequence[Checked]) -> RenderableType:
    """Return one row a host (for one image with what decides it, for several a column each), and a summary."""
    grid = _reasons(checked[0].hosts) if len(checked) == 1 else _Columns(tuple(checked))
    return Group(grid, Text(), summary(checked))


def _reasons(hosts: Sequence[HostVerdict]) -> Table:
    grid = _grid()
    grid.add_column("VERDICT", no_wrap=True)
    grid.add_column("BECAUSE", overflow="fold", ratio=1)
    for one in hosts:
        grid.add_row(_name(one), word(one.verdict), Text(plain(because(one), MAX_REASON)))
    return grid


@dataclass(frozen=True, slots=True)
class _Columns:
    """A column an image: verdicts in words if they fit, else as marks, in as many tables as they need."""

    checked: tuple[Checked, ...]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the tables for the width that there is, and what marks mean (rich's protocol)."""
        names = max((len(_name(host).plain) for host in self.checked[0].hosts), default=0)
        room = options.max_width - min(max(names, len("HOST")), NAME_WIDTH)
        words = room >= len(self.checked) * (max(map(len, Verdict)) + GAP)
        # A mark stands under its image's number.
        each = len(self.checked) if words else max(1, room // (len(f"[{len(self.checked)}]") + GAP))
        for start in range(0, len(self.checked), each):
            if start:
                yield Text()
            yield self._part(range(start, min(start + each, len(self.checked))), words=words)
        if not words:
            yield Text(f"\n{LEGEND}")

    def _part(self, numbers: range, *, words: bool) -> Table:
        grid = _grid()
        for at in numbers:
            grid.add_column(f"[{at + 1}]", no_wrap=True)
        for row in zip(*(self.checked[at].hosts for at in numbers), strict=True):
            verdicts = (one.verdict for one in row)
            grid.add_row(_name(row[0]), *(word(one) if words else Text(MARKS[one], STYLES[one]) for one in verdicts))
        return grid


def _grid() -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    grid.add_column("HOST", overflow="fold", max_width=NAME_WIDTH)
    return grid


def summary(checked: Sequence[Checked]) -> Text:
    """Return what was checked, and how many hosts came to which verdict."""
    lines = []
    for at, one in enumerate(checked, 1):
        number = f"[{at}] " if len(checked) > 1 else ""
        lines.append(f"{number}{plain(one.subject.name)}: {told(counted(one.hosts))}")
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


def word(verdict: Verdict) -> Text:
    """Return a verdict in its colour."""
    return Text(verdict.value, STYLES[verdict])


def _cell(text: str) -> str:
    """Return text that markdown shows as it is: no column, link, code or HTML can be made of it."""
    shown = plain(text, MAX_REASON).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\|`*_[]" else char for char in shown)
