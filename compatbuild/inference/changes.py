"""The words of a comparison: what can happen to a need or a fact, and when that is reason enough to stop a build."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from pydantic import JsonValue

from compatbuild.errors import UsageError


class Change(StrEnum):
    """What happened to a need or a fact, the most alarming first."""

    ADDED = "added"
    TIGHTENED = "tightened"
    CHANGED = "changed"  # neither is certain to follow from the other
    LOOSENED = "loosened"
    REMOVED = "removed"


class FailOn(StrEnum):
    """What a pipeline may want to stop at.

    ``tightened`` is every way in which an image may need more than before, ``loosened`` every way in which it may need
    less: a new need is not let through because it was no old one.
    """

    ADDED = "added"
    REMOVED = "removed"
    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    ANY = "any"


def parse_wishes(texts: Iterable[str]) -> frozenset[FailOn]:
    """Return what a pipeline stops at, from words that may hold several with commas between; UsageError for others."""
    words = [word for text in texts for word in text.split(",")]
    known = {wish.value: wish for wish in FailOn}
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, 1)
            raise UsageError(
                f"nothing can fail on {word!r}",
                why=f"there are {', '.join(known)}",
                remedy=f"use --fail-on {near[0] if near else FailOn.TIGHTENED}",
            )
    return frozenset(known[word] for word in words)


_NEEDS = {
    FailOn.ADDED: (Change.ADDED,),
    FailOn.REMOVED: (Change.REMOVED,),
    FailOn.TIGHTENED: (Change.ADDED, Change.TIGHTENED, Change.CHANGED),
    FailOn.LOOSENED: (Change.REMOVED, Change.LOOSENED, Change.CHANGED),
    FailOn.ANY: tuple(Change),
}
_FACTS = {FailOn.TIGHTENED: (Change.TIGHTENED,), FailOn.LOOSENED: (Change.LOOSENED,), FailOn.ANY: tuple(Change)}


@dataclass(frozen=True, slots=True)
class NeedChange:
    """One thing asked of hosts: what it is about, and what was and is asked in words, empty where nothing is.

    ``id`` names the requirement (``cuda.driver-min``), where there is one.
    """

    change: Change
    subject: str
    old: str
    new: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class FactChange:
    """One fact with its values before and after, None where it was not or is not known."""

    change: Change
    name: str
    old: JsonValue
    new: JsonValue


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes, the most alarming first; ``notes`` say what makes the comparison less than sure."""

    needs: tuple[NeedChange, ...] = ()
    facts: tuple[FactChange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """Return ``same``, ``more``, ``less``, or ``mixed`` where both or neither is certain."""
        more, less = self.fails([FailOn.TIGHTENED]), self.fails([FailOn.LOOSENED])
        return {(False, False): "same", (True, False): "more", (False, True): "less", (True, True): "mixed"}[more, less]

    def fails(self, wishes: Collection[FailOn]) -> bool:
        """Say whether there is a change of a kind that was asked for."""
        needs = {one.change for one in self.needs}
        facts = {one.change for one in self.facts}
        return any(needs.intersection(_NEEDS[wish]) or facts.intersection(_FACTS.get(wish, ())) for wish in wishes)
