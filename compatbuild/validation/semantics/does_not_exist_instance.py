"""``DoesNotExist`` on a device: it asks for a device without the attribute, not for there being no such device."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.kinds import is_instance
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        if expression.operator == "DoesNotExist" and expression.element and is_instance(expression.feature):
            name = shown(expression.element.text)
            message = f"this asks for a device without {name}, not that there is no such device"
            yield Problem(expression.element.place, message)


RULE = Rule(
    id="does-not-exist-instance",
    title="DoesNotExist on a device",
    severity=Severity.WARNING,
    remedy="NFD cannot say that a host has no such device; leave it out, or ask for a driver's module not to be loaded",
    check=_check,
)
