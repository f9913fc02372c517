"""Requirements that must all hold, brought into one order: equal ones become one, and so do ranges of one thing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from compatbuild.errors import SpecError
from compatbuild.model import requirement as model
from compatbuild.model.requirement import Requirement
from compatbuild.nfd.ranges import Range

MAX_REQUIREMENTS = 500  # of one set, those inside of alternatives included
MAX_DEPTH = 8  # of alternatives within alternatives

_ORDER = {kind: at for at, kind in enumerate(model.SUBJECTS.values())}
_WHEN = ("present", "always")  # the stricter last


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement, perhaps merged from several, with the comments of all; ``key`` orders needs, whoever gave them."""

    requirement: Requirement
    comments: tuple[str, ...]
    key: tuple[int, str]


def needs(requirements: Iterable[Requirement]) -> list[Need]:
    """Give the needs behind requirements that must all hold, in an order that does not depend on theirs.

    Kernel, driver and compute ranges and CPU levels are merged into the strictest; alternatives stay as they are.
    Raises SpecError when ranges contradict each other, or beyond ``MAX_REQUIREMENTS`` and ``MAX_DEPTH``.
    """
    groups: dict[str, list[Requirement]] = {}
    count = 0
    for requirement in requirements:
        count += _size(requirement, 0)
        groups.setdefault(_topic(requirement), []).append(requirement)
    if count > MAX_REQUIREMENTS:
        remedy = f"keep to {MAX_REQUIREMENTS}"
        raise SpecError("There are too many requirements", why=f"there are {count:,}", remedy=remedy)
    return sorted(map(_merged, groups.values()), key=lambda need: need.key)


def _size(requirement: Requirement, depth: int) -> int:
    if not isinstance(requirement, model.AlternativesRequirement):
        return 1
    if depth >= MAX_DEPTH:
        why = f"there are more than {MAX_DEPTH} levels"
        raise SpecError("Alternatives are nested too deeply", why=why, remedy="write the combinations out")
    return sum(_size(each, depth + 1) for way in requirement.any for each in way)


def _topic(requirement: Requirement) -> str:
    """Give what the requirement is about, when several about it can be merged, or else all that it says."""
    match requirement:
        case model.KernelRequirement() | model.ComputeRequirement():
            return type(requirement).__name__
        case model.CpuRequirement(cpu=str()):
            return "level"
        case model.DriverRequirement(gpu=gpu):
            return f"driver {gpu}"
    return _text(requirement)


def _text(requirement: Requirement) -> str:
    document = requirement.model_dump(mode="json", exclude={"id", "comment"})
    return f"{type(requirement).__name__} {json.dumps(document, sort_keys=True)}"


def _merged(group: list[Requirement]) -> Need:
    requirement = reduce(_both, group)
    comments = sorted({each.comment for each in group if each.comment})
    return Need(requirement, tuple(comments), (_ORDER[type(requirement)], _text(requirement)))


def _both(one: Requirement, other: Requirement) -> Requirement:
    """Merge two requirements about one thing."""
    match one, other:
        case model.CpuRequirement(cpu=str() as level), model.CpuRequirement(cpu=str() as further):
            return one.model_copy(update={"cpu": max(level, further)})
        case model.KernelRequirement(), model.KernelRequirement():
            return one.model_copy(update={"kernel": _range(one.kernel, other.kernel)})
        case model.DriverRequirement(), model.DriverRequirement():
            driver, when = _range(one.driver, other.driver), max(one.when, other.when, key=_WHEN.index)
            return one.model_copy(update={"driver": driver, "when": when})
        case model.ComputeRequirement(), model.ComputeRequirement():
            compute, when = _range(one.compute, other.compute), max(one.when, other.when, key=_WHEN.index)
            return one.model_copy(update={"compute": compute, "when": when})
    return one


def _range(one: str, other: str) -> str:
    return str(Range.parse(one) & Range.parse(other))
