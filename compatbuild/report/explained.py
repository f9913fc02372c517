"""A report explained: of each finding all that was seen, why it is as sure as it is, and what becomes of it."""

import json
from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Report
from compatbuild.model.requirement import AnyRequirement
from compatbuild.report.findings import STYLES, head, place, tail
from compatbuild.report.text import plain
from compatbuild.version import DOCS

WHY = {
    Confidence.PROVEN: "proven: the image cannot work without it",
    Confidence.LIKELY: "likely: the way that it usually runs needs it; another way may not",
    Confidence.HINT: "hint: it is optional, has a substitute, or lies in a file that may be unused",
}
"""What each confidence means of a need (``compatbuild.model.finding.Confidence``)."""
SAYS = {
    Confidence.PROVEN: "proven: the image itself says so",
    Confidence.LIKELY: "likely: what is in the image points to it",
    Confidence.HINT: "hint: it may be so, and nothing rests on it",
}
"""What each means of a fact that asks nothing of a host."""
NOTHING = "nothing: it states facts, and asks nothing of a host"
LEFT_OUT = "nothing: a hint never becomes a requirement; a template can add one"

Expressions = Callable[[Sequence[AnyRequirement]], str]
"""Gives the part of a specification that some requirements become, as YAML."""


Line = Callable[[Evidence], str]
"""Names the line of the author's that brought what was seen (``Dockerfile:12``); empty where it is not known."""


def explained(report: Report, expressions: Expressions, line: Line = lambda _: "") -> RenderableType:
    """Return every finding, hints included, with all its evidence; the surest first, as in the report."""
    parts: list[RenderableType] = [head(report)]
    for finding in report.findings:
        parts += [Text(), *_finding(finding, expressions, line)]
    parts += tail(report, hints=0)
    return Group(*parts)


def _finding(finding: Finding, expressions: Expressions, line: Line) -> Iterator[RenderableType]:
    style = STYLES[finding.confidence]
    yield Text().append(plain(finding.title), style="bold").append(f"  {plain(finding.id)}", style="dim")
    yield _line("Why", (WHY if finding.requirement else SAYS)[finding.confidence], style)
    detectors = ", ".join(dict.fromkeys(plain(one.detector) for one in finding.evidence))
    yield _line("Found by", detectors + (", in what the base image brought" if finding.inherited else ""))
    yield Text("  Evidence")
    for one in finding.evidence:
        layer = f" in layer {plain(one.layer)}" if one.layer else ""
        by = f"\nby {plain(line(one))}" if line(one) else ""
        yield Padding(Text(plain(one.statement)).append(f"\n{place(one)}{layer}{by}", style="dim"), (0, 0, 0, 4))
    for name, value in finding.facts.items():
        yield _line("States", plain(f"{name} = {json.dumps(value, ensure_ascii=False)}"))
    yield from _becomes(finding, expressions)
    if finding.docs:
        yield _line("Read", plain(f"{DOCS}/{finding.docs}"))


def _becomes(finding: Finding, expressions: Expressions) -> Iterator[RenderableType]:
    if finding.requirement is None or finding.confidence is Confidence.HINT:
        yield _line("Becomes", NOTHING if finding.requirement is None else LEFT_OUT)
        return
    yield Text("  Becomes")
    yield Padding(Text("\n".join(map(plain, expressions([finding.requirement]).splitlines()))), (0, 0, 0, 4))


def _line(label: str, text: str, style: str = "") -> RenderableType:
    return Padding(Text(f"{label}: ").append(text, style=style), (0, 0, 0, 2))
