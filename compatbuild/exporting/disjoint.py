"""Alternatives of which a node meets one at most, so that a weight given to each counts once."""

from collections.abc import Iterator

from compatbuild.exporting.labels import Alternatives, LabelCheck

MAX_PIECES = 64
"""Preferences of one set."""


def disjoint(alternatives: Alternatives) -> Alternatives | None:
    """Give alternatives that together hold where these do, no two of them on one node; None when there are too many.

    Every label that is compared as a number must be one, as those of NFD are.
    """
    found: list[tuple[LabelCheck, ...]] = []
    for at, one in enumerate(alternatives):
        pieces = [one]
        for earlier in alternatives[:at]:
            pieces = [piece for part in pieces for piece in _without(part, earlier)]
            if len(found) + len(pieces) > MAX_PIECES:
                return None
        found += pieces
    return tuple(tuple(sorted(set(one))) for one in found)


def _without(part: tuple[LabelCheck, ...], other: tuple[LabelCheck, ...]) -> Iterator[tuple[LabelCheck, ...]]:
    """Yield pieces of one alternative that hold where another does not: one for each way in which that fails."""
    held: tuple[LabelCheck, ...] = part
    for check in other:
        if check in part:
            continue
        for opposite in _opposites(check):
            piece = (*held, opposite)
            if not _contradictory(piece):
                yield piece
        held = (*held, check)
        if _contradictory(held):
            return  # from here on there is nothing that both hold of


def _opposites(check: LabelCheck) -> tuple[LabelCheck, ...]:
    swapped = {"Exists": "DoesNotExist", "DoesNotExist": "Exists", "In": "NotIn", "NotIn": "In"}
    if check.operator in swapped:
        return (LabelCheck(check.key, swapped[check.operator], check.values),)
    bound = int(check.values[0])
    absent = LabelCheck(check.key, "DoesNotExist")
    if check.operator == "Gt":
        return (absent, LabelCheck(check.key, "Lt", (str(min(bound + 1, 2**63 - 1)),)))
    return (absent, LabelCheck(check.key, "Gt", (str(bound - 1),)) if bound else LabelCheck(check.key, "Exists"))


def _contradictory(checks: tuple[LabelCheck, ...]) -> bool:
    """Tell whether no label can meet all checks of some key, as far as that is easy to see."""
    return any(_impossible([one for one in checks if one.key == key]) for key in {one.key for one in checks})


def _impossible(checks: list[LabelCheck]) -> bool:
    operators = {one.operator for one in checks}
    if "DoesNotExist" in operators:
        return bool(operators & {"Exists", "In", "Gt", "Lt"})
    allowed: set[str] | None = None
    for one in checks:
        if one.operator == "In":
            allowed = set(one.values) if allowed is None else allowed & set(one.values)
    for one in checks:
        if one.operator == "NotIn" and allowed is not None:
            allowed -= set(one.values)
    return allowed == set()
