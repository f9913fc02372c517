"""What changed between two images' needs: added, removed, tightened or loosened, as far as that is certain.

A need is *tightened* when every host that meets the new one is certain to meet the old one and not the other way round,
*loosened* the other way round, and *changed* when neither is certain. What is new and follows from all that was asked
before is no change, and neither is what is gone and still follows from what is left.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from compatbuild.inference import claims
from compatbuild.inference.changes import Change, Diff, NeedChange
from compatbuild.inference.claims import Claim
from compatbuild.inference.entailment import Entailment, key
from compatbuild.inference.fact_changes import fact_changes
from compatbuild.inference.resolve import requirements
from compatbuild.model.report import Report
from compatbuild.nfd import wire

SEVERAL = ("kernel module", "PCI device")
"""Topics of which there may be several that have nothing to do with each other."""
_ORDER = list(Change)


def compare_reports(old: Report, new: Report) -> Diff:
    """Compare what two reports require (proven and likely findings), and the facts they state."""
    before, after = (claims.of_requirements(requirements(report.findings)) for report in (old, new))
    notes = [*_versions(old, new), *_unseen("old", old), *_unseen("new", new)]
    return Diff(_sorted(_Comparison(before, after).changes()), tuple(fact_changes(old.facts, new.facts)), tuple(notes))


def compare_specs(old: wire.Spec, new: wire.Spec) -> Diff:
    """Compare two specifications set by set; sets are told apart by their tags where there are several."""
    before, after = _by_tag(old), _by_tag(new)
    if len(before) < 2 and len(after) < 2:
        (one,), (other,) = ([*side.values()] or [wire.Set()] for side in (before, after))
        return _diff(_compare_sets(one, other, ""), _notes(one, other))
    changes: list[NeedChange] = []
    notes: list[str] = []
    for tag in dict.fromkeys((*before, *after)):
        if tag in before and tag in after:
            changes += _compare_sets(before[tag], after[tag], f"{tag}: ")
            notes += _notes(before[tag], after[tag])
        else:
            told = (_summed(side[tag]) if tag in side else "" for side in (before, after))
            changes.append(NeedChange(Change.CHANGED, f"set {tag}", *told))
    return _diff(changes, notes)


def _diff(changes: Iterable[NeedChange], notes: Iterable[str]) -> Diff:
    return Diff(_sorted(changes), (), tuple(notes))


def _notes(old: wire.Set, new: wire.Set) -> Iterator[str]:
    """Say what of a set changed besides what it asks."""
    if old.tag != new.tag and old.rules and new.rules:
        yield f"the tag of the set was {old.tag!r} and is {new.tag!r}"
    if old.weight != new.weight:
        yield f"the weight of set {new.tag or old.tag} was {old.weight} and is {new.weight}"


def _versions(old: Report, new: Report) -> Iterator[str]:
    """Say when the two reports were not made by the same tool, for then a change may be the tool's."""
    made = [f"compatbuild {report.tool.version} with knowledge of {report.tool.knowledge}" for report in (old, new)]
    if made[0] != made[1]:
        yield f"the old report was made by {made[0]}, the new one by {made[1]}"


def _unseen(which: str, report: Report) -> Iterator[str]:
    yield from (f"not looked at in the {which} image: {one.what}: {one.why}" for one in report.skipped)


def _by_tag(spec: wire.Spec) -> dict[str, wire.Set]:
    """Return the sets by tag; those of one tag, or of none, are numbered."""
    count: Counter[str] = Counter()
    found: dict[str, wire.Set] = {}
    for each in spec.compatibilities:
        name = each.tag or "without a tag"
        count[name] += 1
        found[name if count[name] == 1 else f"{name} ({count[name]})"] = each
    return found


def _summed(each: wire.Set) -> str:
    asked = [claim.text for rule in each.rules for claim in claims.of_rule(rule)]
    return "; ".join(asked)[: claims.MAX_TEXT] or "nothing"


def _compare_sets(old: wire.Set, new: wire.Set, prefix: str) -> Iterator[NeedChange]:
    """Compare the only rules of two sets; where there are several, readers differ on what they mean together."""
    if [_bare(rule) for rule in old.rules] == [_bare(rule) for rule in new.rules]:
        return
    plain = not any(rule.vars or rule.vars_template for each in (old, new) for rule in each.rules)
    if len(old.rules) > 1 or len(new.rules) > 1 or not plain:
        yield NeedChange(Change.CHANGED, f"{prefix}rules", _summed(old), _summed(new))
        return
    before, after = ([claim for rule in each.rules for claim in claims.of_rule(rule)] for each in (old, new))
    yield from _Comparison(before, after, prefix).changes()


def _bare(rule: wire.Rule) -> tuple[object, ...]:
    return (rule.match_features, rule.match_any, dict(rule.vars), rule.vars_template)


def _sorted(changes: Iterable[NeedChange]) -> tuple[NeedChange, ...]:
    return tuple(sorted(changes, key=lambda one: (_ORDER.index(one.change), one.subject, one.old, one.new)))


class _Comparison:
    """Two lists of claims, laid beside each other."""

    def __init__(self, old: Sequence[Claim], new: Sequence[Claim], prefix: str = "") -> None:
        self._old = old
        self._new = new
        self._prefix = prefix
        self._entailment = Entailment()

    def changes(self) -> list[NeedChange]:
        """Return what changed; claims that say the same are left out before any are paired."""
        kept = {key(claim.term) for claim in self._old} & {key(claim.term) for claim in self._new}
        old = [claim for claim in self._old if key(claim.term) not in kept and not self._covered(claim, self._new)]
        new = [claim for claim in self._new if key(claim.term) not in kept and not self._covered(claim, self._old)]
        changes = []
        for topic in dict.fromkeys(claim.topic for claim in (*old, *new)):
            pairs = self._pairs([c for c in old if c.topic == topic], [c for c in new if c.topic == topic])
            changes += [change for one, other in pairs if (change := self._change(one, other))]
        return changes

    def _pairs(self, old: list[Claim], new: list[Claim]) -> Iterator[tuple[Claim | None, Claim | None]]:
        """Pair claims about one topic: by the ids of requirements, by what follows from what, or the last ones."""
        matches: tuple[Callable[[Claim, Claim], bool], ...] = (self._same_id, self._related)
        for match in matches:
            for one in list(old):
                other = next((other for other in new if match(one, other)), None)
                if other is not None:
                    old.remove(one)
                    new.remove(other)
                    yield one, other
        if len(old) == len(new) == 1 and old[0].topic not in SEVERAL:
            yield old.pop(), new.pop()
        yield from ((one, None) for one in old)
        yield from ((None, other) for other in new)

    def _covered(self, claim: Claim, side: Sequence[Claim]) -> bool:
        """Say whether a claim follows from what the other side asks about other things."""
        return self._follows([other for other in side if other.topic != claim.topic], claim)

    def _same_id(self, one: Claim, other: Claim) -> bool:
        return one.id == other.id != ""

    def _related(self, one: Claim, other: Claim) -> bool:
        return self._follows([one], other) or self._follows([other], one)

    def _follows(self, premises: Sequence[Claim], conclusion: Claim) -> bool:
        return self._entailment.entails([claim.term for claim in premises], conclusion.term)

    def _change(self, one: Claim | None, other: Claim | None) -> NeedChange | None:
        """Return the change of one claim into another, None when nothing changed for any host."""
        change = self._kind(one, other)
        some = other or one
        if change is None or some is None:
            return None
        old, new = (claim.text if claim else "" for claim in (one, other))
        return NeedChange(change, f"{self._prefix}{some.topic}", old, new, some.id)

    def _kind(self, one: Claim | None, other: Claim | None) -> Change | None:
        if one is None or other is None:
            if other is not None:
                return None if self._follows(self._old, other) else Change.ADDED
            return None if one is None or self._follows(self._new, one) else Change.REMOVED
        stricter, weaker = self._follows([other], one), self._follows([one], other)
        if stricter and weaker:
            return None
        return Change.TIGHTENED if stricter else Change.LOOSENED if weaker else Change.CHANGED
