"""Counts over the rows of a run, of all images or of each team: rows are looked at once and not kept."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from compatbuild.errors import UsageError
from compatbuild.fleet.rows import Row
from compatbuild.registry.reference import Reference, parse_reference

BY = ("namespace", "label:NAME", "registry")
NOBODY = "(nobody)"
"""The team of an image that no workload uses, or none with that label."""
WORDS = ("incompatible", "error", "unknown", "depends", "compatible")
"""What an image can come to, worst first; ``error`` is a row without an answer."""


@dataclass(slots=True)
class Tally:
    """How many images came to what, where their specifications are from, how they are signed, and what decides."""

    verdicts: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    signatures: Counter[str] = field(default_factory=Counter)
    requirements: Counter[str] = field(default_factory=Counter)

    @property
    def images(self) -> int:
        """All of them."""
        return self.verdicts.total()

    def add(self, row: Row) -> None:
        """Count a row."""
        self.verdicts[word(row)] += 1
        self.origins[row.origin] += 1
        self.signatures[row.signature] += 1
        if row.verdict == "incompatible":
            self.requirements[row.requirement] += 1


def word(row: Row) -> str:
    """Return what an image came to: a verdict, or ``error``."""
    return "error" if row.origin == "error" else row.verdict


def rank(row: Row) -> tuple[int, int, str]:
    """Return what rows are ordered by where the worst come first: verdict, hosts it is about, name."""
    return WORDS.index(word(row)), -row.counts.get(row.verdict, 0), row.names[0]


def tallies(rows: Iterable[Row], by: str) -> dict[str, Tally]:
    """Return the counts of each team; an image that several use counts for each of them."""
    found: dict[str, Tally] = {}
    for row in rows:
        for team in teams(row, by):
            found.setdefault(team, Tally()).add(row)
    return dict(sorted(found.items()))


def check_by(by: str) -> None:
    """Raise UsageError for a way of grouping that there is not."""
    if by not in {"namespace", "registry"} and (not by.startswith("label:") or by == "label:"):
        raise UsageError(
            f"images cannot be grouped by {by!r}", why=f"known are {', '.join(BY)}", remedy="use --by namespace"
        )


def teams(row: Row, by: str) -> list[str]:
    """Return whose an image is: namespaces, values of a label, or the registries it is in."""
    found = sorted(set(_teams(row, by)))
    return found or [NOBODY]


def _teams(row: Row, by: str) -> Iterator[str]:
    if by == "registry":
        for name in row.names:
            with suppress(UsageError):
                reference = parse_reference(name)
                if isinstance(reference, Reference):
                    yield reference.registry
        return
    label = by.partition(":")[2]
    for user in row.used_by:
        team = user.labels.get(label, "") if label else user.namespace
        if team:
            yield team
