"""Where an author can mend something: a line of the specification, of the Dockerfile, or of the template."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from compatbuild.checking.verdicts import ExpressionVerdict, NeedVerdict, RuleVerdict
from compatbuild.errors import CompatError
from compatbuild.inference.changes import NeedChange
from compatbuild.model.finding import Evidence, Finding
from compatbuild.model.report import Report

MAX_FILE = 1 << 20
"""Bytes of a file that is searched for a line."""
MIN_WORD = 3
"""Characters of a word that is searched for: shorter ones are found anywhere."""
_STAGE = re.compile(r"\s*FROM\s", re.IGNORECASE)
_COMMENT = re.compile(r"\s*#")
_SUBJECTS = {
    "cpu.cpuid": ("cpu", "architecture"),
    "cpu.model": ("cpu", "architecture"),
    "system.name": ("architecture",),
    "kernel.version": ("kernel", "kernel_release"),
    "kernel.config": ("facility", "config", "hugepages"),
    "kernel.enabledmodule": ("module", "facility"),
    "kernel.loadedmodule": ("module", "driver", "compute"),
    "local.label": ("driver", "compute"),
    "pci.device": ("pci",),
    "memory.hugepages": ("hugepages",),
}
"""The subjects of requirements that ``inference.rules`` writes with a feature, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of the checkout, from 1; 0 for the file as a whole."""

    file: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Text:
    """A file of the author's: how it is called in the checkout, and its lines."""

    file: str
    lines: tuple[str, ...]

    def line_with(self, words: Iterable[str], since: int = 0) -> int:
        """Return the number of the first line that has the first of these words to be found; 0 for none.

        Comments do not count, nor lines before ``since`` (from 0).
        """
        for word in words:
            if len(word) < MIN_WORD:
                continue
            whole = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
            for number, line in enumerate(self.lines[since:], since + 1):
                if not _COMMENT.match(line) and whole.search(line):
                    return number
        return 0

    @cached_property
    def last_stage(self) -> int:
        """The number of the last line with FROM, which begins what becomes the image; 0 for none."""
        return max((number for number, line in enumerate(self.lines, 1) if _STAGE.match(line)), default=0)


def read_text(path: Path | None, workspace: Path) -> Text | None:
    """Return a file's lines; None for no file, one that is too large, or that cannot be read."""
    if path is None or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError:
        return None
    if len(data) > MAX_FILE:
        return None
    return Text(named(path, workspace), tuple(data.decode("utf-8", "replace").splitlines()))


def named(path: Path, workspace: Path) -> str:
    """Return how a file is called in the checkout, as annotations and code scanning name it."""
    whole = path.resolve()
    return whole.relative_to(workspace).as_posix() if whole.is_relative_to(workspace) else str(path)


@dataclass(frozen=True, slots=True)
class Places:
    """The files that an author can edit, those that there are."""

    template: Text | None = None
    dockerfile: Text | None = None
    layers: Mapping[str, int] = field(default_factory=dict)
    """The line of the Dockerfile that made a layer, by diff ID, of those layers of which that is certain."""

    def of_finding(self, finding: Finding) -> Place | None:
        """Return the line that leads to a finding: what puts it into the image, else what speaks of it."""
        return (
            self.of_evidence(finding.evidence) or self._of_template(_names(finding)) or self._of_image(_names(finding))
        )

    def named_line(self, evidence: Evidence) -> str:
        """Return the line of the Dockerfile behind what was seen, as ``FILE:LINE``; empty where it is not known."""
        place = self.of_evidence((evidence,))
        return f"{place.file}:{place.line}" if place else ""

    def of_deciding(
        self, deciding: ExpressionVerdict | NeedVerdict | RuleVerdict | None, report: Report | None
    ) -> Place | None:
        """Return the line that leads to what decides about a host."""
        finding = finding_of(deciding, report) if report else None
        return self.of_finding(finding) if finding else self._of_image(())

    def of_change(self, need: NeedChange, report: Report | None) -> Place | None:
        """Return the line that leads to a requirement that is new: that of the finding it comes from."""
        findings = [one for one in (report.findings if report else ()) if one.requirement is not None]
        named = (one for one in findings if one.id == need.id)
        found = next(named, next((one for one in findings if _speaks_of(need.new, one)), None))
        if found:
            return self.of_finding(found)
        return self._of_template([need.id, *_WORD.findall(need.new)]) or self._of_image(())

    def of_evidence(self, evidence: Iterable[Evidence]) -> Place | None:
        """Return the line of the Dockerfile that made the layer, else one that sets or names what was found."""
        if self.dockerfile is None:
            return None
        found = list(evidence)
        made = [self.layers[one.layer] for one in found if one.layer in self.layers]
        if made:  # what the author's own lines brought, before what came with the base
            own = (line for line in made if not _STAGE.match(self.dockerfile.lines[line - 1]))
            return Place(self.dockerfile.file, next(own, made[0]))
        for one in found:
            words = (one.locator, one.path) if one.path.startswith("/") else (one.locator,)
            since = max(self.dockerfile.last_stage - 1, 0)
            if line := self.dockerfile.line_with(words, since):
                return Place(self.dockerfile.file, line)
        return None

    def _of_template(self, names: Iterable[str]) -> Place | None:
        line = self.template.line_with(names) if self.template else 0
        return Place(self.template.file, line) if self.template and line else None

    def _of_image(self, names: Iterable[str]) -> Place | None:
        """Return what the image is built on, else the template: something of the author's."""
        if self.dockerfile:
            return Place(self.dockerfile.file, self.dockerfile.last_stage or 1)
        if self.template:
            return Place(self.template.file, self.template.line_with([*names, "requirements"]) or 1)
        return None


def _names(finding: Finding) -> list[str]:
    """Return how a template calls a requirement: its id, and the parts and subject by which filters pick it."""
    subject = [name for name in _dumped(finding) if name not in {"id", "comment", "when"}][:1]
    return [f'"{finding.id}"', finding.id, *(f'"{name}"' for name in subject)]


def finding_of(deciding: ExpressionVerdict | NeedVerdict | RuleVerdict | None, report: Report) -> Finding | None:
    """Return the finding that an expression, or a need beyond NFD, comes from; None when that cannot be told."""
    needed = [one for one in report.findings if one.requirement is not None]
    if isinstance(deciding, NeedVerdict):
        about = deciding.id.partition(".")[0]
        same = (one for one in report.findings if one.id == deciding.id)
        return next(same, next((one for one in needed if about in _dumped(one)), None))
    if not isinstance(deciding, ExpressionVerdict):
        return None
    return next(_findings(deciding, needed), None)


def _findings(row: ExpressionVerdict, needed: list[Finding]) -> Iterator[Finding]:
    """Yield what may have been written as an expression, the likeliest first."""
    subjects = _SUBJECTS.get(row.feature.lower(), ())
    fitting = [one for name in subjects for one in needed if name in _dumped(one)]
    yield from (one for one in fitting if row.name and row.name in str(_dumped(one)))
    yield from (one for one in needed if row.name and f"'{row.name}'" in str(_dumped(one)))
    yield from fitting


_WORD = re.compile(r"\w[\w.-]{2,}")
_COMMON = frozenset({"always", "present", "loaded", "enabled", "any"})
"""Values of requirements that say when, and not what."""


def _speaks_of(text: str, finding: Finding) -> bool:
    """Say whether a requirement in words has a value in common with that of a finding: a version, a name, a flag."""
    values = finding.requirement.model_dump(exclude={"id", "comment"}) if finding.requirement else {}
    words = {word for value in values.values() for word in _WORD.findall(str(value))} - _COMMON
    return not words.isdisjoint(_WORD.findall(text))


def _dumped(finding: Finding) -> dict[str, object]:
    return finding.requirement.model_dump(exclude_defaults=True) if finding.requirement else {}


_NAMED_LINE = re.compile(r"^(?P<file>[^\n]*?)(?:, line |:)(?P<line>\d{1,6})\b|\bline (?P<other>\d{1,6})\b")


def of_error(error: CompatError, workspace: Path, files: Iterable[Path]) -> Place | None:
    """Return the line that an error is about: its words name one of these files, and the line."""
    for path in files:
        if path.name and path.name in str(error):
            found = next(filter(None, map(_NAMED_LINE.search, (error.what, error.why))), None)
            line = int(found["line"] or found["other"]) if found else 0
            return Place(named(path, workspace), line)
    return None
