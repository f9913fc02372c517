"""PCI and USB ids that are not spelt as NFD publishes them: four lower-case hexadecimal digits."""

import re
from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown

_ELEMENTS = {
    "pci.device": frozenset({"vendor", "device", "class", "subsystem_vendor", "subsystem_device"}),
    "usb.device": frozenset({"vendor", "device"}),
}
_ID = re.compile(r"[0-9a-f]{4}")
_MEANT = re.compile(r"(?:0x)?([0-9a-f]{1,6})")


def _check(outline: Outline) -> Iterator[Problem]:
    for expression in outline.expressions:
        element = expression.element.text if expression.element else ""
        if element not in _ELEMENTS.get(expression.feature, ()) or expression.operator not in {"In", "NotIn"}:
            continue
        for value in expression.values or ():
            if not _ID.fullmatch(value.text):
                message = f"{shown(value.text)} is no {element} id: NFD has four lower-case hexadecimal digits"
                yield Problem(value.place, message, _remedy(value.text))


def _remedy(text: str) -> str:
    meant = _MEANT.fullmatch(text.strip().lower())
    if meant is None:
        return ""
    digits = meant[1]
    if len(digits) > 4:  # a class with its programming interface, as lspci -n prints it
        return f'write "{digits[:4]}": NFD has the first four digits of the class code'
    return f'write "{digits:0>4}"' if len(digits) != 2 else 'use InRegexp with "^' + digits + '" for a whole class'


RULE = Rule(
    id="pci-id-spelling",
    title="A PCI or USB id in another spelling",
    severity=Severity.ERROR,
    remedy='write four lower-case hexadecimal digits in quotes, such as "10de"',
    check=_check,
)
