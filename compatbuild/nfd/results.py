"""What an evaluation gives: the outcome of every set, rule, term and expression."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from compatbuild.nfd.comparison import Fault


class Outcome(StrEnum):
    """What became of a row, a term, a rule or a set."""

    TRUE = "true"
    FALSE = "false"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Row:
    """One expression: what was asked, what the host has (``found``), and what came of it.

    ``name`` is empty for ``matchName``, whose ``found`` are the element names that match; ``present`` tells whether
    the element exists. ``fault`` is set when the outcome is an error, and ``reason`` then says it in words.
    """

    feature: str
    name: str
    op: str
    value: tuple[str, ...]
    type: str
    present: bool
    found: tuple[str, ...]
    outcome: Outcome
    fault: Fault | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TermResult:
    """One term; ``published`` tells whether the host publishes the feature at all."""

    feature: str
    published: bool
    outcome: Outcome
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BranchResult:
    """One alternative of ``matchAny``."""

    outcome: Outcome
    terms: tuple[TermResult, ...]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule. ``faults`` are those that NFD may stop with at the place where it stops; Go's maps have no order."""

    name: str
    outcome: Outcome
    terms: tuple[TermResult, ...]
    branches: tuple[BranchResult, ...]
    faults: tuple[Fault, ...] = ()
    reason: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows: those of the terms, then those of the branches."""
        terms = [*self.terms, *(term for branch in self.branches for term in branch.terms)]
        return tuple(row for term in terms for row in term.rows)


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set. NFD gives sets no verdict; ours is false when a rule is, else error, else unsupported, else true."""

    tag: str
    weight: int
    description: str
    outcome: Outcome
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The sets that were asked for, in order, and the variables that their rules left behind."""

    sets: tuple[SetResult, ...]
    variables: Mapping[str, str]
