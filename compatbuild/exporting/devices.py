"""What a term over devices comes to in labels, and a pattern of kernel versions.

Sources are those of ``labels``; classes of PCI devices: the PCI ID Repository, pci.ids 2023.04.10.
"""

import re
from itertools import product

from compatbuild.exporting.labels import NAMESPACE, NO_LABEL, NOTHING, LabelCheck, Said, is_label, said, unsaid
from compatbuild.inference.kernel_pattern import kernel_range
from compatbuild.nfd.comparison import number
from compatbuild.nfd.ranges import Interval, Range
from compatbuild.nfd.wire import Expression, Term

PCI_PREFIXES = ("03", "0b40", "12")
"""``source/pci/pci.go``: ``DeviceClassWhitelist``, beginnings of the classes that have labels."""
PCI_CLASSES = ("0300", "0301", "0302", "0380", "0b40", "1200", "1201")
"""The assigned classes among these; a label names a whole class, and of the others no device can be."""
USB_CLASSES = frozenset({"0e", "ef", "fe", "ff"})
"""``source/usb/usb.go``: ``DeviceClassWhitelist``."""
MAX_LABELS = 32  # of one term
MAX_MINOR = 64
MAJOR, MINOR = (f"{NAMESPACE}/kernel-version.{part}" for part in ("major", "minor"))

PRESENT = {
    "memory.nv": (("", "memory-nv.present"), ("devtype", "memory-nv.dax")),
    "storage.block": (("rotational", "storage-nonrotationaldisk"),),
    "network.device": (("sriov_totalvfs", "network-sriov.capable"), ("sriov_numvfs", "network-sriov.configured")),
}
"""Labels that some device gives a node, by the element that decides; empty when any device does."""
_VALUES = {"devtype": "nd_dax", "rotational": "0"}


def devices(feature: str, term: Term) -> Said:
    """Say a term over devices, of which one must meet all its expressions."""
    asked = {name: one for name, one in (term.match_expressions or {}).items() if one is not None}
    if not asked or term.match_name is not None:
        return unsaid(NO_LABEL)
    if feature == "pci.device":
        return _listed(asked, "pci", ("class", "vendor"), _pci_classes(asked.get("class")))
    if feature == "usb.device":
        classes = _values(asked.get("class"))
        return _listed(asked, "usb", ("class", "vendor", "device"), classes if USB_CLASSES.issuperset(classes) else ())
    return _present(feature, asked)


def kernel(asked: Expression) -> Said:
    """Say a pattern of kernel versions, of those this tool writes, by the labels of their first two numbers.

    NFD cannot split every release: where there is no ``major``, nothing is asked.
    """
    text = kernel_range(asked.value[0]) if asked.op == "InRegexp" and len(asked.value) == 1 else None
    if text is None:
        return unsaid("labels cannot be compared so")
    range_ = Range.parse(text)
    found: list[tuple[LabelCheck, ...]] = [(LabelCheck(MAJOR, "DoesNotExist"),)]
    for interval in range_.intervals:
        found += _interval(interval)
    whole = all(not each.low[2] and not (each.high and each.high[2]) for each in range_.intervals)
    lost = "a node whose release NFD cannot split passes" + ("" if whole else ", and so does every third number")
    return Said(NOTHING if () in found else tuple(found), lost)


def _interval(interval: Interval) -> list[tuple[LabelCheck, ...]]:
    (first, least, _), high = interval.low, interval.high
    beginning = (LabelCheck(MINOR, "Gt", (str(least - 1),)),) if least else ()
    same = LabelCheck(MAJOR, "In", (str(first),))
    if high is None:
        if first and not least:
            return [(LabelCheck(MAJOR, "Gt", (str(first - 1),)),)]
        return [(same, *beginning), (LabelCheck(MAJOR, "Gt", (str(first),)),)]
    last, end = high[0], high[1] + bool(high[2])
    if first == last:
        return [(same, *beginning, *_below(end))]
    found = [(same, *beginning)]
    if last - first > 1:
        found.append((LabelCheck(MAJOR, "Gt", (str(first),)), LabelCheck(MAJOR, "Lt", (str(last),))))
    return [*found, *([(LabelCheck(MAJOR, "In", (str(last),)), *_below(end))] if end else [])]


def _below(end: int) -> tuple[LabelCheck, ...]:
    """Ask for a second number below an end; it is empty in a release that has one number only."""
    return (LabelCheck(MINOR, "In", ("", *map(str, range(end)))),) if end <= MAX_MINOR else ()


def _listed(asked: dict[str, Expression], source: str, fields: tuple[str, ...], classes: tuple[str, ...]) -> Said:
    """Say a device by the label that is made of some of its fields."""
    values = [classes, *(_values(asked.get(field)) for field in fields[1:])]
    keys = [f"{NAMESPACE}/{source}-{'_'.join(parts)}.present" for parts in product(*values)]
    if not keys or len(keys) > MAX_LABELS or not all(map(is_label, keys)):
        return unsaid(NO_LABEL if len(keys) <= MAX_LABELS else f"it would take {len(keys)} labels")
    rest = sorted(asked.keys() - {*fields})
    lost = f"the label says nothing of {', '.join(rest)}" if rest else ""
    if asked["class"].op != "In":
        lost = "; ".join(filter(None, (f"the assigned classes are {', '.join(classes)}", lost)))
    return Said(tuple((LabelCheck(key, "In", ("true",)),) for key in keys), lost)


def _values(asked: Expression | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(asked.value)) if asked is not None and asked.op == "In" else ()


def _pci_classes(asked: Expression | None) -> tuple[str, ...]:
    """Give the classes that are asked for, if NFD makes labels of them all; else none.

    Of patterns, those that begin with some digits are understood: ``^03``, ``^0302$``, ``^(03|12)``.
    """
    if asked is None or asked.op != "InRegexp":
        classes = _values(asked)
        return classes if all(code.startswith(PCI_PREFIXES) for code in classes) else ()
    found = [_BEGINNING.fullmatch(pattern) for pattern in asked.value]
    begun = [(digits, bool(one[3])) for one in found if one for digits in (one[1] or one[2]).split("|")]
    if None in found or not all(digits.startswith(PCI_PREFIXES) for digits, _ in begun):
        return ()
    return tuple(code for code in PCI_CLASSES if any(code == d if whole else code.startswith(d) for d, whole in begun))


_BEGINNING = re.compile(r"\^(?:([0-9a-f]{2,4})|\(([0-9a-f]{2,4}(?:\|[0-9a-f]{2,4})*)\))(\$?)", re.ASCII)


def _present(feature: str, asked: dict[str, Expression]) -> Said:
    checks = [
        LabelCheck(f"{NAMESPACE}/{label}", "In", ("true",))
        for name, label in PRESENT.get(feature, ())
        if not name or (name in asked and _decides(name, asked[name]))
    ]
    return said(*checks, lost="the label says nothing else of the device") if checks else unsaid(NO_LABEL)


def _decides(name: str, asked: Expression) -> bool:
    """Tell whether an expression holds only where its label is: the one value, or a number above zero."""
    if name in _VALUES:
        return asked.op == "In" and set(asked.value) == {_VALUES[name]}
    least = number(asked.value[0]) if len(asked.value) in {1, 2} and not asked.type else None
    floor = {"Gt": 0, "GtLt": 0, "Ge": 1, "GeLe": 1}.get(asked.op)
    return least is not None and floor is not None and least >= floor
