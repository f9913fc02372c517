"""Requirements become one set with one rule, the only form that every reader of a specification understands alike.

NFD gives a set no verdict: some readers AND the rules of a set, some OR them, and sets are ORed by intent and ANDed by
the scheduler's prototype. Where NFD has several ways to say a need, the rule accepts each, as far as that stays short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch

from compatbuild.inference.alternatives import Branch, Formula, conditions, either, shaped
from compatbuild.inference.formulas import formula
from compatbuild.inference.needs import Need, needs
from compatbuild.inference.summaries import summary
from compatbuild.model import requirement as model
from compatbuild.model.requirement import AnyRequirement, Requirement
from compatbuild.nfd import encodings
from compatbuild.nfd import spec as nfd
from compatbuild.nfd.catalogue import catalogue
from compatbuild.nfd.conditions import Condition, terms

MAX_DESCRIPTION = 1000  # characters of a description made here

NO_REQUIREMENTS = "there are no requirements: the rule matches every host"


@dataclass(frozen=True, slots=True)
class Compilation:
    """A set, and what its author should know: weaker forms that were dropped, names that NFD does not know."""

    compatibility: nfd.Compatibility
    notes: tuple[str, ...]


def compile_set(
    requirements: Sequence[AnyRequirement],
    *,
    name: str,
    tag: str = "required",
    description: str = "",
    weight: int = 0,
) -> Compilation:
    """Give one set with one rule, ``name``, that holds on exactly the hosts that meet all the requirements.

    The same requirements in any order give the same set. Every term is commented with what it asks for; the comments
    of a requirement stand at the first of its terms. Without a description, the requirements are summed up in one.
    Raises SpecError when a range is not one, when requirements contradict each other, or when they have more
    alternatives than a rule can hold after all weaker forms of saying them are dropped.
    """
    collected = needs(requirements)
    writer = _Writer()
    shape = shaped([writer.formula(need) for need in collected])
    branches = sorted(shape.branches, key=writer.places)
    rule = nfd.Rule(
        name=name,
        matchFeatures=writer.terms(shape.fixed),
        matchAny=tuple(nfd.Branch(matchFeatures=writer.terms(branch)) for branch in branches),
    )
    notes = [note for need in collected for note in _notes(need.requirement)] or [NO_REQUIREMENTS] * (not collected)
    notes += [f"left out to keep the rule short: {form.label}" for form in shape.dropped]
    text = description or _description(collected)
    return Compilation(nfd.Compatibility(rules=(rule,), weight=weight, tag=tag, description=text), tuple(notes))


class _Writer:
    """Remembers where conditions come from, and which comments have been written."""

    def __init__(self) -> None:
        self._order: dict[Condition, int] = {}
        self._summaries: dict[Condition, list[str]] = {}
        self._comments: dict[Condition, list[str]] = {}
        self._written: set[str] = set()

    def formula(self, need: Need) -> Formula:
        """Give the formula of a need, and remember its conditions."""
        if isinstance(need.requirement, model.AlternativesRequirement):
            ways = sorted(map(needs, need.requirement.any), key=lambda way: [each.key for each in way])
            whole = either([[self.formula(each) for each in way] for way in ways])
            summaries = []  # every way has its own
        else:
            whole = formula(need.requirement)
            summaries = [summary(need.requirement)]
        for condition in conditions(whole):
            self._order.setdefault(condition, len(self._order))
            _add(self._summaries.setdefault(condition, []), summaries)
            _add(self._comments.setdefault(condition, []), need.comments)
        return whole

    def places(self, branch: Branch) -> list[int]:
        """Give what branches are sorted by."""
        return sorted(self._order[condition] for condition in branch)

    def terms(self, branch: Branch) -> tuple[nfd.Term, ...]:
        """Give the terms of conditions that must all hold."""
        return terms(sorted(branch, key=self._order.__getitem__), self._comment)

    def _comment(self, group: list[Condition]) -> str:
        lines: list[str] = []
        for condition in group:
            _add(lines, self._summaries[condition])
        comments = dict.fromkeys(comment for condition in group for comment in self._comments[condition])
        new = [comment for comment in comments if comment not in self._written]
        self._written.update(new)
        return "\n".join([*lines, *new])


def _add(lines: list[str], new: Iterable[str]) -> None:
    lines.extend(line for line in new if line not in lines)


def _description(collected: Sequence[Need]) -> str:
    text = "; ".join(summary(need.requirement) for need in collected)
    return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 1]}…"


@singledispatch
def _notes(_: Requirement) -> list[str]:
    """Give what the author should know about a requirement that cannot be met as it is written."""
    return []


@_notes.register
def _cpu_notes(requirement: model.CpuRequirement) -> list[str]:
    known = catalogue().features[encodings.CPU]
    flags = requirement.cpu if isinstance(requirement.cpu, tuple) else ()
    unknown = [(flag, known.near(flag)) for flag in flags if known.element(flag) is None]
    return [f"NFD knows no CPU flag {flag}" + _instead(near) for flag, near in unknown]


@_notes.register
def _config_notes(requirement: model.ConfigRequirement) -> list[str]:
    never = [name for name, values in requirement.config.items() if "n" in values]
    return [f"a kernel option that is not set is absent, never n: for that, write {name}: []" for name in sorted(never)]


@_notes.register
def _alternatives_notes(requirement: model.AlternativesRequirement) -> list[str]:
    return [note for way in requirement.any for each in way for note in _notes(each)]


def _instead(near: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""
