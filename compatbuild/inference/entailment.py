"""Whether every host that meets some requirements also meets another: sound, and not complete.

"Yes" is certain; "no" means that it does not follow by the rules here. On these two answers rests what a comparison
calls tightened and loosened, so nothing is called either by a guess.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, singledispatch
from typing import TypeAlias

from compatbuild.errors import SpecError
from compatbuild.inference import checks
from compatbuild.model import requirement as model
from compatbuild.nfd.conditions import Condition
from compatbuild.nfd.encodings import LEVEL_FLAGS, pci_device
from compatbuild.nfd.ranges import Range, version_of

MAX_STEPS = 500_000
"""Pairs of requirements that one comparison compares, a second's work; beyond, nothing follows any more."""

_WHEN = ("present", "always")  # the stricter last
_PRESENT = frozenset(("y", "m"))  # what a facility takes of a kernel option


@dataclass(frozen=True, slots=True)
class Ways:
    """At least one of these lists must hold as a whole."""

    ways: tuple[tuple["Term", ...], ...]


Term: TypeAlias = model.Requirement | Condition | Ways
"""What can be asked of a host: a requirement, one or more comparisons of NFD's, or alternatives of such."""


def key(term: Term) -> Hashable:
    """Return what is the same for terms that ask the same in the same words, whatever they are called."""
    if isinstance(term, Ways):
        return frozenset(frozenset(map(key, way)) for way in term.ways)
    if isinstance(term, Condition):
        return term
    return type(term), term.model_dump_json(exclude={"id", "comment"})


@dataclass
class Entailment:
    """Answers questions about one comparison; the steps of all its answers are counted together."""

    steps: int = 0

    def entails(self, premises: Sequence[Term], conclusion: Term) -> bool:
        """Tell whether a host that meets all premises is certain to meet the conclusion."""
        if self.steps > MAX_STEPS:
            return False
        if any(self._single(premise, conclusion) for premise in premises):
            return True
        if isinstance(conclusion, Ways) and any(self._all(premises, way) for way in conclusion.ways):
            return True
        simple = [premise for premise in premises if not isinstance(premise, Ways)]
        split = [premise.ways for premise in premises if isinstance(premise, Ways)]
        return any(all(self.entails((*simple, *way), conclusion) for way in ways) for ways in split)

    def _all(self, premises: Sequence[Term], conclusions: Iterable[Term]) -> bool:
        return all(self.entails(premises, conclusion) for conclusion in conclusions)

    def _single(self, premise: Term, conclusion: Term) -> bool:
        self.steps += 1
        if isinstance(premise, Condition) or isinstance(conclusion, Condition):
            premise, conclusion = _condition(premise), _condition(conclusion)
        if isinstance(premise, Condition) and isinstance(conclusion, Condition):
            return checks.follows(premise, conclusion)
        if not isinstance(premise, model.Requirement) or not isinstance(conclusion, model.Requirement):
            return premise == conclusion
        try:
            return _follows(premise, conclusion)
        except SpecError:  # a range that is none: a report says what it likes
            return False


def _condition(term: Term) -> Term:
    """Return a device as comparisons, so that it can be compared with one that was described in other ways."""
    if isinstance(term, model.PciRequirement):
        return pci_device(term.pci, term.classes, term.devices)
    return term


@singledispatch
def _follows(premise: model.Requirement, conclusion: model.Requirement) -> bool:
    """Tell whether one requirement follows from one other."""
    return key(premise) == key(conclusion)


@_follows.register
def _cpu(premise: model.CpuRequirement, conclusion: model.Requirement) -> bool:
    return isinstance(conclusion, model.CpuRequirement) and flags(premise) >= flags(conclusion)


def flags(requirement: model.CpuRequirement) -> frozenset[str]:
    """Return the flags that a level or a list of flags comes to."""
    asked = requirement.cpu
    return frozenset(asked if isinstance(asked, tuple) else LEVEL_FLAGS[asked])


@_follows.register
def _kernel(premise: model.KernelRequirement, conclusion: model.Requirement) -> bool:
    return isinstance(conclusion, model.KernelRequirement) and _within(premise.kernel, conclusion.kernel)


@_follows.register
def _release(premise: model.KernelReleaseRequirement, conclusion: model.Requirement) -> bool:
    match conclusion:
        case model.KernelReleaseRequirement():
            return set(premise.kernel_release) <= set(conclusion.kernel_release)
        case model.KernelRequirement():
            allowed = _range(conclusion.kernel)
            return all(version_of(one) and allowed.contains(one) for one in premise.kernel_release)
    return False


@_follows.register
def _facility(premise: model.FacilityRequirement, conclusion: model.Requirement) -> bool:
    match conclusion:
        case model.FacilityRequirement():
            shown = not premise.modules or (conclusion.modules and set(premise.modules) <= set(conclusion.modules))
            return bool(shown) and set(premise.facility) >= set(conclusion.facility)
        case model.ConfigRequirement():
            options = conclusion.config.items()
            return not premise.modules and all(n in premise.facility and set(v) >= _PRESENT for n, v in options)
    return False


@_follows.register
def _config(premise: model.ConfigRequirement, conclusion: model.Requirement) -> bool:
    asked = {name: frozenset(values) for name, values in premise.config.items()}
    match conclusion:
        case model.ConfigRequirement():
            return all(_allows(asked.get(name), frozenset(values)) for name, values in conclusion.config.items())
        case model.FacilityRequirement():
            return all(_allows(asked.get(name), _PRESENT) for name in conclusion.facility)
    return False


def _allows(values: frozenset[str] | None, allowed: frozenset[str]) -> bool:
    """Tell whether some values are among those allowed; none at all means "not set", which is a value of its own."""
    return values is not None and bool(values) == bool(allowed) and values <= allowed


@_follows.register
def _module(premise: model.ModuleRequirement, conclusion: model.Requirement) -> bool:
    match conclusion:
        case model.ModuleRequirement():
            weaker = conclusion.state in (premise.state, "enabled")
            return weaker and set(premise.module) <= set(conclusion.module)
        case model.FacilityRequirement():
            return bool(conclusion.modules) and set(premise.module) <= set(conclusion.modules)
    return False


@_follows.register
def _pci(premise: model.PciRequirement, conclusion: model.Requirement) -> bool:
    if not isinstance(conclusion, model.PciRequirement):
        return False
    classes, devices = premise.classes, premise.devices
    return (
        set(premise.pci) <= set(conclusion.pci)
        and (not conclusion.classes or (bool(classes) and all(c.startswith(conclusion.classes) for c in classes)))
        and (not conclusion.devices or (bool(devices) and set(devices) <= set(conclusion.devices)))
    )


@_follows.register
def _driver(premise: model.DriverRequirement, conclusion: model.Requirement) -> bool:
    match conclusion:
        case model.DriverRequirement(gpu=premise.gpu):
            return _no_later(conclusion.when, premise.when) and _within(premise.driver, conclusion.driver)
        case model.ModuleRequirement():  # as the driver is asked for (compatbuild.inference.formulas)
            return premise.when == "always" and premise.gpu in conclusion.module
    return False


@_follows.register
def _compute(premise: model.ComputeRequirement, conclusion: model.Requirement) -> bool:
    if not isinstance(conclusion, model.ComputeRequirement):
        return False
    return _no_later(conclusion.when, premise.when) and _within(premise.compute, conclusion.compute)


def _no_later(one: str, other: str) -> bool:
    return _WHEN.index(one) <= _WHEN.index(other)


@_follows.register
def _hugepages(premise: model.HugepagesRequirement, conclusion: model.Requirement) -> bool:
    if not isinstance(conclusion, model.HugepagesRequirement):
        return False
    asked, wanted = premise.hugepages, conclusion.hugepages
    if isinstance(asked, str):
        return asked == wanted
    if isinstance(wanted, str):
        return any(not _range(text).contains((0, 0, 0)) for text in asked.values())
    return all(size in asked and _within(asked[size], text) for size, text in wanted.items())


@cache
def _range(text: str) -> Range:
    return Range.parse(text)


def _within(one: str, other: str) -> bool:
    """Tell whether all versions of one range are in another; intervals of a range are apart, so one must hold each."""
    outer = _range(other).intervals

    def held(low: tuple[int, ...], high: tuple[int, ...] | None) -> bool:
        return any(o.low <= low and (o.high is None or (high is not None and high <= o.high)) for o in outer)

    return all(held(each.low, each.high) for each in _range(one).intervals)
