"""What changed of the facts about an image, and for which of them that means that it needs more or less."""

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from compatbuild.inference.changes import Change, FactChange
from compatbuild.model.finding import Confidence
from compatbuild.model.report import Fact

HIGHER_NEEDS_MORE = frozenset(("cpu.level", "cuda.driver.min", "cuda.compute.min", "kernel.version.min"))
"""Lowest versions and levels; where there is none, any will do."""
LONGER_NEEDS_MORE = frozenset(("cpu.flags", "cuda.compute.gaps", "kernel.config", "kernel.modules"))
"""Lists of which every item must be there, or of hosts that are left out."""
LONGER_NEEDS_LESS = frozenset(("rocm.targets",))
"""Lists of hosts that are served. Native CUDA code is none: PTX may serve the same; ``cuda.compute.gaps`` tells."""
HIGHER_NEEDS_LESS = frozenset(("cpu.page-size.max",))
"""Highest numbers that will do."""


def fact_changes(old: Mapping[str, Fact], new: Mapping[str, Fact]) -> Iterator[FactChange]:
    """Yield what changed, by name; what rests on hints alone is never called tightened or loosened."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is None or after is None or before.value != after.value:
            sure = all(fact is None or fact.confidence is not Confidence.HINT for fact in (before, after))
            direction = _direction(name, before, after) if sure else None
            yield FactChange(direction or _kind(before, after), name, _value(before), _value(after))


def _value(fact: Fact | None) -> JsonValue:
    return fact.value if fact else None


def _kind(old: Fact | None, new: Fact | None) -> Change:
    if old is None:
        return Change.ADDED
    return Change.REMOVED if new is None else Change.CHANGED


def _direction(name: str, old: Fact | None, new: Fact | None) -> Change | None:
    """Return whether more is needed, or less; None where that does not follow from the values."""
    before, after = _value(old), _value(new)
    if name in HIGHER_NEEDS_MORE:
        return _of(_numbers(after) > _numbers(before), _numbers(after) < _numbers(before))
    if name in LONGER_NEEDS_MORE:
        return _of(_items(after) > _items(before), _items(after) < _items(before))
    if before is None or after is None:
        return None
    if name in LONGER_NEEDS_LESS:
        return _of(_items(after) < _items(before), _items(after) > _items(before))
    if name in HIGHER_NEEDS_LESS:
        return _of(_numbers(after) < _numbers(before), _numbers(after) > _numbers(before))
    return None


def _of(more: bool, less: bool) -> Change | None:  # noqa: FBT001 - two answers, by position as everywhere above
    return Change.TIGHTENED if more else Change.LOOSENED if less else None


def _numbers(value: JsonValue) -> tuple[int, ...]:
    """Return the numbers of a version or level, nothing for none: ``x86-64-v3`` is (86, 64, 3)."""
    return () if value is None else tuple(int(number) for number in re.findall(r"\d{1,18}", str(value)))


def _items(value: JsonValue) -> frozenset[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(json.dumps(item, sort_keys=True) for item in items)
