"""Reports on all platforms of an index, side by side: which platform needs what, as a table or as markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.model.finding import Confidence
from compatbuild.model.report import PlatformReports, Report
from compatbuild.report.cells import cell, code
from compatbuild.report.documents import report_value
from compatbuild.report.findings import STYLES, is_needed
from compatbuild.report.text import plain

ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One requirement: its title, and how sure it is on each platform, None where it is none."""

    title: str
    cells: tuple[Confidence | None, ...]


def rows(reports: Sequence[Report]) -> list[Row]:
    """Return a row for each requirement of any platform: those of all first, then in the order of the platforms."""
    titles: dict[str, str] = {}
    found: dict[str, dict[int, Confidence]] = {}
    for number, report in enumerate(reports):
        for finding in report.findings:
            if is_needed(finding) and finding.requirement is not None:
                said = finding.requirement.model_dump_json(exclude={"id", "comment"})
                titles.setdefault(said, finding.title)
                found.setdefault(said, {}).setdefault(number, finding.confidence)
    made = [Row(titles[said], tuple(cells.get(n) for n in range(len(reports)))) for said, cells in found.items()]
    return sorted(made, key=lambda row: None in row.cells)


def as_value(told: PlatformReports) -> dict[str, Any]:
    """Return the JSON value: ``compatbuild.reports/v1``, each report as ``infer -o json`` prints it alone."""
    value = told.model_dump(mode="json", by_alias=True, exclude={"reports"})
    return {**value, "reports": [report_value(report) for report in told.reports]}


def table(told: PlatformReports) -> RenderableType:
    """Return a table with a column for each platform."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("What it needs of its host", overflow="fold", ratio=1)
    for report in told.reports:
        grid.add_column(plain(report.image.platform), no_wrap=True)
    for row in rows(told.reports):
        confidences = (Text(c.value, style=STYLES[c]) if c else Text(ABSENT, style="dim") for c in row.cells)
        grid.add_row(Text(plain(row.title)), *confidences)
    if not grid.row_count:
        grid.add_row(Text("nothing beyond a Linux kernel"))
    notes = [Text(line, style="dim") for line in _notes(told)]
    return Group(*(Text(line) for line in _head(told)), Text(), grid, *([Text(), *notes] if notes else []))


def markdown(told: PlatformReports) -> str:
    """Return the same as GitHub-flavoured markdown."""
    name = f"{told.source}:{told.reference}"
    lines = [f"### What {code(name)} needs of its host", "", f"Index digest {code(told.digest or 'none')}", ""]
    lines.append("| requirement | " + " | ".join(cell(report.image.platform) for report in told.reports) + " |")
    lines.append("|---" * (len(told.reports) + 1) + "|")
    lines += [
        f"| {cell(row.title)} | " + " | ".join(c.value if c else ABSENT for c in row.cells) + " |"
        for row in rows(told.reports)
    ]
    notes = [f"- {cell(line)}" for line in _notes(told)]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def _head(told: PlatformReports) -> Iterator[str]:
    yield plain(f"Image   {told.source}:{told.reference}")
    if told.digest:
        yield plain(f"Index   {told.digest}")
    for report in told.reports:
        if report.image.digest:
            yield plain(f"{report.image.platform}  {report.image.digest}")


def _notes(told: PlatformReports) -> Iterator[str]:
    for one in told.skipped:
        yield plain(f"not looked at: {one.what}: {one.why}")
    for report in told.reports:
        for skipped in report.skipped:
            yield plain(f"{report.image.platform}: not looked at: {skipped.what}: {skipped.why}")
        for limit in report.limits:
            yield plain(f"{report.image.platform}: limit: {limit}")
