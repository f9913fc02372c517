"""A specification as node affinity: what labels can say of it, never more than it asks, and what is lost."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from compatbuild.exporting import labels
from compatbuild.exporting.devices import devices, kernel
from compatbuild.exporting.disjoint import disjoint
from compatbuild.exporting.labels import NO_LABEL, NOTHING, Alternatives, LabelCheck, Said
from compatbuild.nfd.catalogue import Kind, catalogue
from compatbuild.nfd.encodings import KERNEL
from compatbuild.nfd.wire import Expression, Rule, Set, Spec, Term

MAX_TERMS = 64
"""Node selector terms; beyond them the alternatives that multiply most are left out."""
HEAVIEST = 100  # of a preference (core/v1 PreferredSchedulingTerm)
MAX_ABSORBED = 512  # alternatives that are compared with each other
MAX_VALUES = 4  # of an expression that are shown in a note


@dataclass(frozen=True, slots=True)
class Affinity:
    """``required``: any of these must hold, None when nothing can be required. ``preferred``: weights and terms.

    ``lost`` are sentences on what is weaker than in the specification, or not said at all.
    """

    required: Alternatives | None
    preferred: tuple[tuple[int, tuple[LabelCheck, ...]], ...]
    lost: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return what belongs under ``spec`` of a pod."""
        told: dict[str, Any] = {}
        if self.required is not None:
            terms = [_term(one) for one in self.required]
            told["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
        if self.preferred:
            told["preferredDuringSchedulingIgnoredDuringExecution"] = [
                {"weight": weight, "preference": _term(one)} for weight, one in self.preferred
            ]
        return {"affinity": {"nodeAffinity": told}}


def affinity(spec: Spec) -> Affinity:
    """Return the affinity of a specification, of which any set will do."""
    lost: list[str] = []
    sets = [_set(item, lost) for item in spec.compatibilities]
    every = _absorbed([one for each in sets for one in each])
    if len(every) > MAX_TERMS:
        lost.append(f"nothing is required: it would take {len(every)} terms")
        every = NOTHING
    required = None if () in every or not every else every
    if () in every:
        at = next((str(at) for at, each in enumerate(sets, 1) if () in each), "")
        lost.append(f"nothing is required, as labels say nothing of set {at}" if at else "nothing is required")
    preferred = tuple(_preferred(spec.compatibilities, sets, lost)) if len(sets) > 1 else ()
    return Affinity(required, preferred, tuple(dict.fromkeys(lost)))


def _set(item: Set, lost: list[str]) -> Alternatives:
    parts = [part for rule in item.rules for part in _rule(rule, lost)]
    return _all_of(parts, lost)


def _rule(rule: Rule, lost: list[str]) -> Iterator[Alternatives]:
    """Yield what must hold together: each term, and any of the branches."""
    for term in rule.match_features:
        yield _absorbed(_term_alternatives(term, lost))
    if not rule.match_any:
        return
    branches = [_all_of([_term_alternatives(t, lost) for t in each.match_features], lost) for each in rule.match_any]
    if NOTHING in branches:
        lost.append(f"rule {rule.name}: none of its alternatives is required, as labels say nothing of one of them")
    yield _absorbed([one for each in branches for one in each])


def _term_alternatives(term: Term, lost: list[str]) -> Alternatives:
    parts = []
    losses: dict[tuple[str, str], list[str]] = {}
    for name, asked, said in _said(term):
        if said.lost:
            losses.setdefault((asked, said.lost), []).append(name)
        parts.append(said.alternatives)
    for (asked, why), names in losses.items():
        about = " ".join(filter(None, (term.feature.lower(), ", ".join(names), asked)))
        lost.append(f"{about}: {why}")
    return _all_of(parts, lost)


def _said(term: Term) -> Iterator[tuple[str, str, Said]]:
    """Yield what each expression is about, what it asks, and what labels say of it; devices are asked as a whole."""
    feature = term.feature.lower()
    known = catalogue().feature(feature)
    given = sorted((term.match_expressions or {}).items())
    expressions = [(name, one) for name, one in given if one is not None]
    if known is not None and set(known.kinds) == {Kind.INSTANCE}:
        yield ", ".join(f"{name} {_shown(one)}" for name, one in expressions), "", devices(feature, term)
        return
    for name, one in expressions:
        by_kernel = (feature, name, one.op) == (KERNEL, "full", "InRegexp")
        yield name, _shown(one), kernel(one) if by_kernel else labels.element(feature, name, one)
    if term.match_name is not None:
        yield "any name", _shown(term.match_name), labels.any_of_names(feature, term.match_name)
    if not expressions and term.match_name is None:
        yield "", "", labels.unsaid(NO_LABEL)


def _shown(asked: Expression) -> str:
    more = f" and {len(asked.value) - MAX_VALUES} more" if len(asked.value) > MAX_VALUES else ""
    return " ".join(filter(None, (asked.op, ", ".join(asked.value[:MAX_VALUES]) + more)))


def _all_of(parts: Iterable[Alternatives], lost: list[str]) -> Alternatives:
    """Multiply out; of parts that would come to more than can be said, those with most alternatives are left out."""
    kept = sorted((part for part in dict.fromkeys(parts) if part != NOTHING), key=len)
    found: Alternatives = NOTHING
    for part in kept:
        if len(found) * len(part) > MAX_TERMS:
            lost.append(f"{len(part)} alternatives are left out: with the others they come to over {MAX_TERMS} terms")
            continue
        found = _absorbed([(*one, *other) for one, other in product(found, part)])
    return found


def _absorbed(found: Sequence[tuple[LabelCheck, ...]]) -> Alternatives:
    """Give the same alternatives, sorted within, without repetition and without those that another one covers."""
    sets = list(dict.fromkeys(frozenset(one) for one in found))
    kept = [one for one in sets if not any(other < one for other in sets)] if len(sets) <= MAX_ABSORBED else sets
    return tuple(tuple(sorted(one)) for one in kept)


def _preferred(
    items: Sequence[Set], sets: Sequence[Alternatives], lost: list[str]
) -> Iterator[tuple[int, tuple[LabelCheck, ...]]]:
    heaviest = max((item.weight for item in items), default=0)
    if heaviest > HEAVIEST:
        lost.append(f"weights are scaled to {HEAVIEST}, as Kubernetes takes none above")
    for at, (item, alternatives) in enumerate(zip(items, sets, strict=True), 1):
        if item.weight <= 0:
            if item.weight < 0:
                lost.append(f"set {at}: a negative weight is no preference")
            continue
        if () in alternatives:
            lost.append(f"set {at}: it is not preferred, as labels say nothing of it")
            continue
        weight = max(1, item.weight * HEAVIEST // heaviest) if heaviest > HEAVIEST else item.weight
        apart = disjoint(alternatives)
        if apart is None:
            lost.append(f"set {at}: its weight counts once for each alternative that a node meets")
        yield from ((weight, one) for one in apart or alternatives)


def _term(checks: tuple[LabelCheck, ...]) -> dict[str, Any]:
    return {
        "matchExpressions": [
            {"key": one.key, "operator": one.operator, **({"values": list(one.values)} if one.values else {})}
            for one in checks
        ]
    }
