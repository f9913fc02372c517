"""The two sides of a comparison: each an image, a report or a specification."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import NotFoundError, NothingRequiredError, UsageError
from compatbuild.inference.changes import Diff
from compatbuild.inference.diff import compare_reports, compare_specs
from compatbuild.model.report import Report
from compatbuild.nfd.decode import decode

MAX_FILE = 64 << 20
"""Bytes of a report or specification."""
HEAD = 4_096
"""Bytes by which text is told from an archive, which has a zero byte among its first 512."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared: ``kind`` is ``image``, ``report`` or ``spec``, ``name`` how it was called.

    Images and reports have a ``report`` and the digest of the image it is about, specifications their bytes.
    """

    kind: str
    name: str
    report: Report | None = None
    spec: bytes = b""

    @property
    def digest(self) -> str:
        """The digest of the image, empty where there is none."""
        return self.report.image.digest if self.report else ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides and what changed between them."""

    old: Side
    new: Side
    diff: Diff


def text_of(name: str) -> bytes | None:
    """Return the content of a file that holds text, a report or a specification; None for anything else."""
    path = Path(name)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            data = b"" if b"\0" in head else head + file.read(MAX_FILE - len(head) + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {name}", why=str(error.strerror), remedy="name a readable file") from error
    if len(data) > MAX_FILE:
        raise UsageError(f"{name} is too large", why=f"at most {MAX_FILE:,} bytes are read", remedy="name another file")
    return None if b"\0" in head else data


def is_report(data: bytes) -> bool:
    """Say whether some text is a report rather than a specification, which is YAML or JSON without a schema's name."""
    return data.lstrip().startswith(b"{") and b'"compatbuild.report/' in data[:HEAD]


def compare(old: Side, new: Side, specification: Callable[[Report], bytes]) -> Compared:
    """Compare two sides: as reports if both have one, else as specifications, which one may have to be made into.

    Raises SpecError for what is no specification.
    """
    if old.report and new.report:
        return Compared(old, new, compare_reports(old.report, new.report))
    found = compare_specs(*(decode(_specification(side, specification)) for side in (old, new)))
    if not old.report and not new.report:
        return Compared(old, new, found)
    note = f"{(old if old.report else new).name} was made into a specification to be compared with one"
    return Compared(old, new, Diff(found.needs, found.facts, (*found.notes, note)))


def _specification(side: Side, made_of: Callable[[Report], bytes]) -> bytes:
    """Return the bytes of a side's specification; an image that needs nothing has an empty one here."""
    try:
        return made_of(side.report) if side.report else side.spec
    except NothingRequiredError:
        return b""
