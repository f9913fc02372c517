"""SARIF 2.1.0 (OASIS Standard, with Errata 01): what code-scanning services and editors read."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from compatbuild.report.text import plain
from compatbuild.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Level: TypeAlias = Literal["error", "warning", "note"]
"""§3.27.10; ``none`` is for results that are no failure, of which there are none here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of result (§3.49): a stable id, a sentence, and what to do about it."""

    id: str
    title: str
    help: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where a result is: in a file, perhaps at a line and column from 1, and by the names of what it is in."""

    file: str = ""
    line: int = 0
    column: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One result (§3.27); ``identity`` are texts that stay the same from run to run, whatever else changes."""

    rule: Rule
    level: Level
    message: str
    location: Location
    identity: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


def sarif(results: Sequence[Result]) -> dict[str, Any]:
    """Return the log of one run with these results, and the rules they name."""
    rules = list(dict.fromkeys(result.rule for result in results))
    driver = {"name": "compatbuild", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, rules.index(result.rule)) for result in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "shortDescription": {"text": plain(rule.title)}, "help": {"text": plain(rule.help)}}


def _result(result: Result, index: int) -> dict[str, Any]:
    value: dict[str, Any] = {
        "ruleId": result.rule.id,
        "ruleIndex": index,
        "level": result.level,
        "message": {"text": plain(result.message)},
        "locations": [_location(result.location)],
        "partialFingerprints": {"compatbuild/v1": "/".join(quote(plain(part), safe="") for part in result.identity)},
    }
    if result.properties:
        value["properties"] = {name: plain(text) for name, text in result.properties.items()}
    return value


def _location(location: Location) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if location.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(location.file)}}
        if location.line:
            physical["region"] = {"startLine": location.line, "startColumn": location.column or 1}
        value["physicalLocation"] = physical
    if location.names:
        names = [plain(name) for name in location.names]
        value["logicalLocations"] = [{"name": names[-1], "fullyQualifiedName": "/".join(names)}]
    return value


def _uri(file: str) -> str:
    """Return a path as a URI: relative ones stay so, since services resolve them against a checkout (RFC 3986)."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
