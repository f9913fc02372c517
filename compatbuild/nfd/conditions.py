"""Conditions: what is asked of one feature, and how several of them share the terms of a rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from compatbuild.nfd.catalogue import Kind, catalogue
from compatbuild.nfd.spec import Expression, Term


@dataclass(frozen=True, slots=True, order=True)
class Check:
    """One comparison of a condition; an empty ``name`` compares the names of the elements (``matchName``)."""

    name: str
    op: str
    value: tuple[str, ...] = ()
    type: str = ""

    @property
    def expression(self) -> Expression:
        """The comparison on the wire."""
        return Expression(op=self.op, value=self.value, type=self.type)


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """Comparisons over one feature that belong together: of a device, one and the same must satisfy them all."""

    feature: str
    checks: tuple[Check, ...]


def exists(feature: str, name: str) -> Condition:
    """Ask for an element."""
    return Condition(feature, (Check(name, "Exists"),))


def absent(feature: str, name: str) -> Condition:
    """Ask that an element be absent from a feature that the host publishes."""
    return Condition(feature, (Check(name, "DoesNotExist"),))


def compares(feature: str, name: str, op: str, *value: str, type_: str = "") -> Condition:
    """Ask for a comparison with an element's value."""
    return Condition(feature, (Check(name, op, value, type_),))


def any_name(feature: str, names: Iterable[str]) -> Condition:
    """Ask for any element of these names."""
    wanted = tuple(sorted(set(names)))
    return exists(feature, wanted[0]) if len(wanted) == 1 else Condition(feature, (Check("", "In", wanted),))


def terms(conditions: Iterable[Condition], comment: Callable[[list[Condition]], str]) -> tuple[Term, ...]:
    """Give the terms that ask for all the conditions, in the order of their first conditions.

    Conditions on one feature share a term where that changes nothing: not on devices, of which different ones may
    satisfy different conditions, not for ``matchName``, and not twice on one element, as a term asks each only once.
    ``comment`` gives the comment of a term from its conditions.
    """
    groups: list[list[Condition]] = []
    for condition in dict.fromkeys(conditions):
        group = next((group for group in groups if _shares(group, condition)), None)
        if group is None:
            groups.append([condition])
        else:
            group.append(condition)
    return tuple(_term(group, comment(group)) for group in groups)


def _shares(group: list[Condition], condition: Condition) -> bool:
    known = catalogue().feature(condition.feature)
    if condition.feature != group[0].feature or known is None or Kind.INSTANCE in known.kinds:
        return False
    taken = {check.name for each in group for check in each.checks}
    names = {check.name for check in condition.checks}
    return "" not in taken | names and not taken & names


def _term(group: list[Condition], comment: str) -> Term:
    checks = [check for condition in group for check in condition.checks]
    return Term(
        feature=group[0].feature,
        matchExpressions={check.name: check.expression for check in checks if check.name} or None,
        matchName=next((check.expression for check in checks if not check.name), None),
        comment=comment,
    )
