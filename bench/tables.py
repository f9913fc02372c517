"""The figures as text for a terminal, and as Markdown for the README."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.contents import DEMO
from bench.images import INFER, WARM, ZLIB

MB = 1e6
MOST_TIMES_ZLIB, MOST_MEMORY_DEMO = 2.0, 150.0
Rows = Sequence[Sequence[str]]


def images(measured: Sequence[Mapping[str, Any]]) -> Rows:
    """Return a row an image, below a row of names: seconds of wall time, MB, and multiples of the yardstick."""
    others = tuple(dict.fromkeys(name for one in measured for name in one["medians"] if name not in (INFER, WARM)))
    head = ["image", "MB stored", "MB", "files", "infer s", "CPU s", "peak MB", "x yardstick", "aim", "again s"]
    rows = [[*head, *(f"{name} s" for name in others)]]
    for one in measured:
        cost, again = one["medians"][INFER], one["medians"][WARM]
        row = [one["image"], *(f"{one[key] / MB:,.0f}" for key in ("stored", "plain")), f"{one['files']:,}"]
        row += [f"{cost['wall']:.2f}", f"{cost['cpu']:.2f}", f"{cost['memory']:.0f}"]
        row += [f"{one['times_yardstick']['value']:.2f}", f"{one['times_yardstick']['aim']}", f"{again['wall']:.2f}"]
        rows.append(row + [_wall(one["medians"], name) for name in others])
    return rows


def of_zlib(measured: Mapping[str, Any]) -> str:
    """Return a sentence on the demo's image beside what Python's own zlib takes for its layers; none on another."""
    medians = measured["medians"]
    if measured["image"] != DEMO or ZLIB not in medians:
        return ""
    times = medians[INFER]["wall"] / medians[ZLIB]["wall"]
    return (
        f"Of the demo's image an inference takes {times:.2f} times what Python's own zlib takes for its layers (the "
        f"aim is {MOST_TIMES_ZLIB:.0f}), and {medians[INFER]['memory']:.0f} MB ({MOST_MEMORY_DEMO:.0f})."
    )


def costs(measured: Mapping[str, Mapping[str, float]]) -> Rows:
    """Return a row a command: wall and processor seconds, MB."""
    rows = [["", "wall s", "CPU s", "peak MB"]]
    rows += [[name, f"{c['wall']:.2f}", f"{c['cpu']:.2f}", f"{c['memory']:.0f}"] for name, c in measured.items()]
    return rows


def counts(measured: Mapping[str, Mapping[str, int]]) -> Rows:
    """Return a row a command: its requests at each kind of registry."""
    kinds = list(measured)
    commands = list(measured[kinds[0]])
    return [["requests", *kinds], *([name, *(str(measured[kind][name]) for kind in kinds)] for name in commands)]


def text(rows: Rows) -> str:
    """Return rows as aligned lines: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def markdown(rows: Rows) -> str:
    """Return rows as a table of Markdown."""
    ruler = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(_cells(row) for row in [rows[0], ruler, *rows[1:]])


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip()


def _cells(row: Iterable[str]) -> str:
    return f"| {' | '.join(row)} |"


def _wall(medians: Mapping[str, Mapping[str, float]], name: str) -> str:
    return f"{medians[name]['wall']:.2f}" if name in medians else ""
