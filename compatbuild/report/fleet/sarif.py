"""A fleet as SARIF: a result for each image and what decides against it, and for each that could not be told about."""

from collections.abc import Iterable, Iterator
from typing import Any

from compatbuild.fleet.rows import Group, Row
from compatbuild.fleet.tally import word
from compatbuild.report.sarif import Level, Location, Result, Rule, sarif

LEVELS: dict[str, Level] = {"incompatible": "error", "error": "error", "unknown": "warning", "depends": "note"}
TITLES = {
    "incompatible": "The image does not run on a host",
    "error": "It could not be told where the image runs",
    "unknown": "Nobody knows whether the image runs on a host",
    "depends": "Whether the image runs depends on what a host has loaded, or on its hardware",
}
HELP = "See docs/how-to/fleet.md and docs/check.md."
MAX_HOSTS = 10
"""Hosts named in a message."""
MAX_RESULTS = 25_000
"""Results of one run that GitHub takes ("SARIF support for code scanning"); the worst rows come first."""


def document(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the SARIF log of a fleet."""
    found = [one for row in rows for one in _results(row)]
    found.sort(key=lambda one: list(TITLES).index(one.rule.id.removeprefix("fleet-")))
    return sarif(found[:MAX_RESULTS])


def _results(row: Row) -> Iterator[Result]:
    if row.error is not None:
        text = f"{row.names[0]}: {row.error.what}. {row.error.why}".rstrip(". ")
        yield _result(row, word(row), row.error.code, text)
        return
    merged: dict[tuple[str, str], list[Group]] = {}
    for group in row.groups:
        if group.verdict != "compatible":
            merged.setdefault((group.verdict, group.requirement), []).append(group)
    for (verdict, requirement), groups in merged.items():
        hosts = [host for group in groups for host in group.hosts]
        more = f" and {len(hosts) - MAX_HOSTS} more" if len(hosts) > MAX_HOSTS else ""
        because = ": ".join(filter(None, (requirement, groups[0].reason)))
        text = f"{row.names[0]} on {', '.join(hosts[:MAX_HOSTS])}{more}: {verdict}. {because}"
        yield _result(row, verdict, requirement, text)


def _result(row: Row, kind: str, detail: str, text: str) -> Result:
    users = ", ".join(sorted({"/".join(filter(None, (one.namespace, one.workload))) for one in row.used_by}))
    return Result(
        rule=Rule(f"fleet-{kind}", TITLES[kind], HELP),
        level=LEVELS[kind],
        message=text,
        location=Location(names=(row.names[0], detail or kind)),
        identity=(row.names[0], kind, detail),
        properties={"digest": row.digest, "used_by": users[:1000]},
    )
