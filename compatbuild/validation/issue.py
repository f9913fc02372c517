"""What validation reports, and what a semantic rule is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from compatbuild.model.base import Model

if TYPE_CHECKING:
    from compatbuild.validation.outline import Outline

DOCS_PAGE = "docs/validation.md"
"""The page with one section a rule; the section's anchor is the rule's id."""


class Severity(StrEnum):
    """``error``: the specification is refused. ``warning``: it means something, but perhaps not to every reader."""

    ERROR = "error"
    WARNING = "warning"


class Issue(Model):
    """One problem of a specification.

    ``line`` and ``column`` count from 1; ``path`` is a JSON pointer (RFC 6901) into the document, ``""`` for the whole;
    ``remedy`` is the next thing to do; ``docs`` the section about ``rule``; ``name`` the document, as the caller
    called it.
    """

    rule: str
    severity: Severity
    line: int = Field(ge=1)
    column: int = Field(ge=1)
    path: str
    message: str
    remedy: str
    docs: str
    name: str = "-"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the text, from 1, and the JSON pointer of what stands there."""

    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule yields; an empty remedy and no severity stand for the rule's own."""

    at: Place
    message: str
    remedy: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a specification: ``check`` yields a problem for each place it finds it at."""

    id: str
    title: str
    severity: Severity
    remedy: str
    check: Callable[["Outline"], Iterator[Problem]]

    def issue(self, problem: Problem, name: str) -> Issue:
        """Return the finished report of a problem."""
        return make_issue(
            self.id,
            problem.at,
            problem.message,
            remedy=problem.remedy or self.remedy,
            severity=problem.severity or self.severity,
            name=name,
        )


def make_issue(
    rule: str, at: Place, message: str, *, remedy: str, severity: Severity = Severity.ERROR, name: str = "-"
) -> Issue:
    """Return an issue of a rule, with the address of its section in the documentation."""
    return Issue(
        rule=rule,
        severity=severity,
        line=at.line,
        column=at.column,
        path=at.path,
        message=message,
        remedy=remedy,
        docs=f"{DOCS_PAGE}#{rule}",
        name=name,
    )
