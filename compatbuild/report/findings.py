"""A report for people: what the image needs, each line with its evidence, as a table or as markdown."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Report
from compatbuild.report.cells import cell, code
from compatbuild.report.text import plain

STYLES = {Confidence.PROVEN: "bold green", Confidence.LIKELY: "yellow", Confidence.HINT: "dim"}
EVIDENCE_SHOWN = 2
FROM_BASE = " (from the base image)"


def table(report: Report, *, every: bool = False) -> RenderableType:
    """Return the findings as a renderable; hints and all evidence are shown when ``every`` is true."""
    needed = [f for f in report.findings if is_needed(f)]
    notes = [f for f in report.findings if not is_needed(f) and (every or f.confidence is not Confidence.HINT)]
    hints = sum(1 for f in report.findings if f.confidence is Confidence.HINT)
    parts: list[RenderableType] = [head(report), Text()]
    parts.append(Text("What it needs of its host", style="bold"))
    parts.append(_rows(needed, every=every) if needed else Padding(Text("nothing beyond a Linux kernel"), (0, 2)))
    if notes:
        parts += [Text(), Text("What is good to know", style="bold"), _rows(notes, every=every)]
    parts += tail(report, hints=0 if every else hints)
    return Group(*parts)


def is_needed(finding: Finding) -> bool:
    """Say whether a finding is one that the image needs, and not only good to know."""
    return finding.requirement is not None and finding.confidence is not Confidence.HINT


def head(report: Report) -> RenderableType:
    """Return which image a report is about."""
    image = report.image
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("Image", Text(plain(f"{image.source}:{image.reference} ({image.platform})")))
    if image.digest:
        grid.add_row("Digest", Text(plain(image.digest)))
    if report.base:
        grid.add_row("Built on", Text(plain(report.base.reference)))
    return grid


def _rows(findings: list[Finding], *, every: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for finding in findings:
        body = Text().append(plain(finding.title), style="bold" if is_needed(finding) else "")
        if finding.inherited:
            body.append(FROM_BASE, style="dim")
        for line in _evidence_lines(finding, every=every):
            body.append(f"\n{line}", style="dim")
        grid.add_row(Text(finding.confidence.value, style=STYLES[finding.confidence]), body)
    return Padding(grid, (0, 0, 0, 2))


def _evidence_lines(finding: Finding, *, every: bool) -> Iterator[str]:
    """Yield one line for each thing that was seen, with the first of the places it was seen at."""
    seen: dict[tuple[str, str, str], list[Evidence]] = {}
    for evidence in finding.evidence:
        key = (evidence.path if every else "", evidence.locator, evidence.statement)
        seen.setdefault(key, []).append(evidence)
    groups = list(seen.values())
    for group in groups if every else groups[:EVIDENCE_SHOWN]:
        others = f" and {len(group) - 1} more" if len(group) > 1 and not every else ""
        yield f"{plain(group[0].statement)}: {place(group[0])}{others}"
    if not every and len(groups) > EVIDENCE_SHOWN:
        yield f"and {len(groups) - EVIDENCE_SHOWN} more reasons"


def place(evidence: Evidence) -> str:
    """Return where something was seen."""
    return plain(f"{evidence.path} [{evidence.locator}]" if evidence.locator else evidence.path)


def tail(report: Report, *, hints: int) -> Iterator[RenderableType]:
    """Yield what was not looked at, the limits that were met, and how many hints are not shown."""
    lines = [f"not looked at: {plain(s.what)}: {plain(s.why)}" for s in report.skipped]
    lines += [f"limit: {plain(text)}" for text in report.limits]
    if hints:
        lines.append(f"{hints} hint{'s' if hints > 1 else ''} that no requirement rests on: -v shows them")
    if lines:
        yield Text()
        yield from (Text(line, style="dim") for line in lines)


def markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured markdown: one table of needs with their evidence."""
    image = report.image
    lines = [f"### What {code(f'{image.source}:{image.reference}')} needs of its host", ""]
    lines += [f"Platform {code(image.platform)}, digest {code(image.digest or 'none')}", ""]
    if report.base:
        lines += [f"Built on {code(report.base.reference)}", ""]
    lines += ["| requirement | confidence | evidence |", "|---|---|---|"]
    for finding in report.findings:
        if is_needed(finding):
            shown = finding.evidence[:EVIDENCE_SHOWN]
            evidence = "<br>".join(f"{code(place(e))}: {cell(e.statement)}" for e in shown)
            title = cell(finding.title) + (FROM_BASE if finding.inherited else "")
            lines.append(f"| {title} | {finding.confidence.value} | {evidence} |")
    return "\n".join(lines) + "\n"
