"""The record of a run, a line of JSON each: a header that says what was asked, and a row an image.

The lines are ``compatbuild.fleet/v1``, as docs/how-to/fleet.md describes them.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compatbuild.errors import FleetError

SCHEMA = "compatbuild.fleet/v1"
MAX_LINE = 32 << 20
"""Bytes of one line: an image with 100,000 users and as many hosts."""

Word = Literal["compatible", "depends", "unknown", "incompatible"]
Origin = Literal["attached", "inferred", "none", "error"]
Signature = Literal["verified", "unchecked", "unsigned", "untrusted", ""]
"""``unchecked``: nobody to trust was named; ``untrusted``: signed, but not so that it counts; empty: nothing there."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HostName(_Record):
    """One host that the images were asked about."""

    name: str
    kind: str
    fidelity: str


class Header(_Record):
    """What a run is about: two runs with the same ``asked`` can be one.

    ``asked`` is a digest over everything that decides verdicts: the facts of the hosts, the version, its knowledge and
    the options, which ``options`` has in words.
    """

    schema_: Literal["compatbuild.fleet/v1"] = Field(default="compatbuild.fleet/v1", alias="schema")
    version: str
    knowledge: str
    asked: str
    options: dict[str, str]
    hosts: tuple[HostName, ...]


class User(_Record):
    """Who uses an image."""

    namespace: str = ""
    workload: str = ""
    labels: dict[str, str] = {}


class Group(_Record):
    """Hosts on which the same thing decides, in the same way; of ``compatible`` ones nothing does."""

    verdict: Word
    requirement: str = ""
    reason: str = ""
    remedy: str = ""
    hosts: tuple[str, ...]


class Problem(_Record):
    """Why there is no verdict: an error in its three parts, with its code."""

    code: str
    what: str
    why: str = ""
    remedy: str = ""


class Row(_Record):
    """One image.

    ``origin`` is where its specification is from, with ``level`` (``index`` or ``platform``) and the artifact's digest
    ``spec`` where it was attached. ``verdict`` is that of the worst host and ``requirement`` what decides there;
    ``counts`` are the hosts of each verdict. ``signature_reason`` says why a signature does not count, ``notes`` are
    sentences that no verdict rests on.
    """

    digest: str
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    used_by: tuple[User, ...] = ()
    origin: Origin
    spec: str = ""
    level: Literal["index", "platform", ""] = ""
    signature: Signature = ""
    signature_reason: str = ""
    verdict: Word
    requirement: str = ""
    counts: dict[Word, int]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    error: Problem | None = None

    @model_validator(mode="after")
    def _error_is_told(self) -> "Row":
        if (self.origin == "error") != (self.error is not None):
            raise ValueError("a row is an error if and only if it says which")
        return self

    @property
    def key(self) -> str:
        """What identifies the image: its digest, or the name that led nowhere."""
        return self.digest or self.names[0]

    @property
    def place(self) -> tuple[str, str]:
        """Where the row stands in a finished record: by name, then digest."""
        return self.names[0], self.digest


def to_line(record: Header | Row) -> bytes:
    """Return a record as its line, the same bytes for equal records; ASCII, so that no terminal obeys any of it."""
    value = record.model_dump(mode="python", by_alias=True, exclude_none=True)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    if "\\ud" in text:  # half a character that somebody escaped: no other reader of JSON takes it
        text = json.dumps(_whole(value), separators=(",", ":"), ensure_ascii=True)
    return text.replace("\x7f", "\\u007f").encode() + b"\n"


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def parse_header(line: bytes, name: str) -> Header:
    """Return the header of a record; FleetError when that is something else."""
    try:
        return Header.model_validate_json(line)
    except ValidationError as error:
        raise FleetError(
            f"{name} is no record of a fleet",
            why=f"its first line is not the header of {SCHEMA}",
            remedy="name a file that `compatbuild fleet check --results` wrote, or a new one",
        ) from error


def parse_row(line: bytes, name: str, number: int) -> Row:
    """Return a row; FleetError, with the number of its line, when it is none."""
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(
            f"line {number} of {name} is no row of a fleet",
            why=f"{where}: {first['msg']}"[:300],
            remedy="the file was damaged or written by something else: begin a new one",
        ) from error
