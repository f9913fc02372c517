"""Which labels NFD's worker puts on a node by default, and what an expression over a feature comes to in them.

Source: node-feature-discovery v0.19.0, ``GetLabels`` and ``newDefaultConfig`` of the sources cpu, kernel, memory,
network, pci, storage, system, usb and local, ``pkg/nfd-worker/nfd-worker.go`` (what is no label is left out),
``pkg/apis/nfd/validate`` (namespaces). Kubernetes' side: apimachinery v0.35.3, ``util/validation`` and ``labels``.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from compatbuild.nfd.catalogue import Kind, ValueType, catalogue
from compatbuild.nfd.comparison import number
from compatbuild.nfd.encodings import ARCHITECTURE_FLAGS, CONFIG, CPU, LABEL
from compatbuild.nfd.wire import Expression

NAMESPACE = "feature.node.kubernetes.io"
ARCH = "kubernetes.io/arch"
"""The label of the kubelet, in Go's names of architectures, which are OCI's."""

CPUID_WITHOUT_LABEL = frozenset(
    "AVX10 BMI1 BMI2 CLMUL CMOV CX16 ERMS F16C HTT LZCNT MMX MMXEXT NX POPCNT RDRAND RDSEED RDTSCP SGX SGXLC SSE SSE2 "
    "SSE3 SSE4 SSE42 SSSE3 TDX_GUEST".split()
)
"""``source/cpu/cpu.go``: ``AttributeBlacklist``. All of them are flags of x86."""
CONFIG_WITH_LABEL = frozenset({"NO_HZ", "NO_HZ_IDLE", "NO_HZ_FULL", "PREEMPT"})
"""``source/kernel/kernel.go``: ``ConfigOpts``. Their labels say ``true`` for ``y`` and ``m``."""

_PREFIXES = {
    CPU: "cpu-cpuid.",
    "cpu.model": "cpu-model.",
    "cpu.cstate": "cpu-cstate.",
    "cpu.pstate": "cpu-pstate.",
    "cpu.security": "cpu-security.",
    "cpu.sst": "cpu-power.sst_",
    "kernel.version": "kernel-version.",
    "system.osrelease": "system-os_release.",
}
_WITHOUT = {"cpu.security": {"tdx.total_keys", "sgx.epc", "sev.encrypted_state_ids", "sev.asids"}}
_ONLY = {"system.osrelease": {"ID", "VERSION_ID", "VERSION_ID.major", "VERSION_ID.minor"}}
_SINGLE = {
    ("cpu.topology", "hardware_multithreading"): "cpu-hardware_multithreading",
    ("cpu.coprocessor", "nx_gzip"): "cpu-coprocessor.nx_gzip",
}
_WHEN_TRUE = {
    ("kernel.selinux", "enabled"): "kernel-selinux.enabled",
    ("memory.numa", "is_numa"): "memory-numa",
    ("memory.swap", "enabled"): "memory-swap",
}
"""Elements whose label is there when they are ``true``, and else is not."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class LabelCheck:
    """One requirement of a node selector term; ``operator`` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


Alternatives: TypeAlias = tuple[tuple[LabelCheck, ...], ...]
"""Any of these, each a list of checks that must all hold. ``((),)`` asks for nothing."""
NOTHING: Alternatives = ((),)


@dataclass(frozen=True, slots=True)
class Said:
    """What labels say of an expression: wherever it holds, the alternatives do.

    ``lost`` says in words why they ask for less, and is empty when they ask for the same.
    """

    alternatives: Alternatives
    lost: str = ""


def unsaid(why: str) -> Said:
    """Give what is said of an expression about which labels say nothing."""
    return Said(NOTHING, why)


def said(*checks: LabelCheck, lost: str = "") -> Said:
    """Give some checks that must all hold."""
    return Said((checks,), lost)


NO_LABEL = "NFD labels no node with it"
NO_OPERATOR = "labels cannot be compared so"
NO_VALUE = "a value that is no label's has no label"


def is_label(key: str) -> bool:
    """Tell whether Kubernetes takes a key of a label (``IsQualifiedName``)."""
    prefix, slash, name = key.rpartition("/")
    return bool(_NAME.fullmatch(name)) and (not slash or _SUBDOMAIN.fullmatch(prefix) is not None)


def is_label_value(text: str) -> bool:
    """Tell whether Kubernetes takes a value of a label (``IsValidLabelValue``)."""
    return _VALUE.fullmatch(text) is not None


def element(feature: str, name: str, asked: Expression) -> Said:
    """Say an expression on an element of flags or attributes in labels; ``feature`` is in lower case."""
    if not asked.op:
        return unsaid("it holds of every host")
    special = _special(feature, name, asked)
    if special is not None:
        return special
    key = _key(feature, name)
    if key is None:
        return unsaid(NO_LABEL)
    if feature == CPU and _type(feature, name) is None and asked.op not in {"Exists", "DoesNotExist"}:
        return unsaid("a flag has no value")
    return _value(key, asked, plain=_plain(feature, name), whole=_type(feature, name) is ValueType.INT)


def _special(feature: str, name: str, asked: Expression) -> Said | None:
    """Say an element whose label does not simply have its value; None for any other."""
    if feature == CPU and name in CPUID_WITHOUT_LABEL:
        return _architecture(asked)
    if (feature, name) in _WHEN_TRUE:
        return _when_true(f"{NAMESPACE}/{_WHEN_TRUE[feature, name]}", asked)
    if feature == CONFIG and name in CONFIG_WITH_LABEL:
        return _option(f"{NAMESPACE}/kernel-config.{name}", asked)
    return _local(name, asked) if feature == LABEL else None


def any_of_names(feature: str, asked: Expression) -> Said:
    """Say a ``matchName`` in labels, which is possible for a list of CPU flags that all have labels."""
    keys = [_key(feature, name) for name in asked.value] if feature == CPU and asked.op == "In" else [None]
    if any(key is None for key in keys):
        return unsaid(NO_LABEL)
    return Said(tuple((LabelCheck(key, "Exists"),) for key in dict.fromkeys(keys) if key is not None))


def _key(feature: str, name: str) -> str | None:
    """Give the label whose value is that of an element, or ``true`` for a flag; None when there is none."""
    if feature == CPU and name in CPUID_WITHOUT_LABEL:
        return None
    key = _SINGLE.get((feature, name), "")
    if not key and feature in _PREFIXES and name not in _WITHOUT.get(feature, ()):
        key = _PREFIXES[feature] + name if name in _ONLY.get(feature, {name}) else ""
    full = f"{NAMESPACE}/{key}"
    return full if key and is_label(full) else None


def _architecture(asked: Expression) -> Said:
    """Say a flag of x86 without a label: only such a node can have it."""
    if asked.op != "Exists":
        return unsaid(NO_LABEL)
    amd64 = next(name for name, flag in ARCHITECTURE_FLAGS.items() if flag in CPUID_WITHOUT_LABEL)
    return said(LabelCheck(ARCH, "In", (amd64,)), lost=f"{NO_LABEL}; {ARCH} stands for it")


def _value(key: str, asked: Expression, *, plain: bool, whole: bool) -> Said:
    """Say an expression on a label that has the element's value; ``plain`` values are always a label's."""
    if asked.op in {"Exists", "DoesNotExist"}:
        return said(LabelCheck(key, asked.op)) if plain or asked.op == "DoesNotExist" else unsaid(NO_VALUE)
    if asked.op in {"IsTrue", "IsFalse"}:
        return said(LabelCheck(key, "In", ("true" if asked.op == "IsTrue" else "false",)))
    if asked.op == "In":
        return _in(key, asked.value)
    if asked.op == "NotIn":
        checks = _not_in(key, asked.value)
        return said(LabelCheck(key, "Exists"), *checks) if plain else said(*checks, lost=NO_VALUE)
    if whole and not asked.type:
        return _ordered(key, asked)
    return unsaid(NO_OPERATOR)


def _in(key: str, values: tuple[str, ...]) -> Said:
    if not values or not all(map(is_label_value, values)):
        return unsaid(NO_VALUE)
    return said(LabelCheck(key, "In", tuple(dict.fromkeys(values))))


def _not_in(key: str, values: tuple[str, ...]) -> tuple[LabelCheck, ...]:
    kept = tuple(dict.fromkeys(filter(is_label_value, values)))
    return (LabelCheck(key, "NotIn", kept),) if kept else ()


def _ordered(key: str, asked: Expression) -> Said:
    """Say a comparison of whole numbers, none of which is negative, in the two that Kubernetes has: Gt and Lt."""
    ends = [number(text) for text in asked.value]
    steps = {"Gt": (0, None), "Ge": (-1, None), "Lt": (None, 0), "Le": (None, 1), "GtLt": (0, 0), "GeLe": (-1, 1)}
    if asked.op not in steps or None in ends or len(ends) != len([one for one in steps[asked.op] if one is not None]):
        return unsaid(NO_OPERATOR)
    low, high = steps[asked.op]
    checks = []
    if low is not None:
        checks.append(_above(key, (ends[0] or 0) + low))
    if high is not None:
        checks.append(LabelCheck(key, "Lt", (str(min(max((ends[-1] or 0) + high, 0), 2**63 - 1)),)))
    return said(*checks)


def _above(key: str, bound: int) -> LabelCheck:
    """Ask for more than a number; Kubernetes takes no negative one, and every whole number is above those."""
    return LabelCheck(key, "Gt", (str(bound),)) if bound >= 0 else LabelCheck(key, "Exists")


def _when_true(key: str, asked: Expression) -> Said:
    if asked.op == "IsTrue" or (asked.op == "In" and set(asked.value) == {"true"}):
        return said(LabelCheck(key, "In", ("true",)))
    never_true = asked.op == "In" and "true" not in asked.value
    if asked.op in {"IsFalse", "DoesNotExist"} or never_true or (asked.op == "NotIn" and "true" in asked.value):
        return said(LabelCheck(key, "DoesNotExist"), lost="where NFD cannot tell, there is no label either")
    return unsaid("only `true` has a label")


def _option(key: str, asked: Expression) -> Said:
    """Say a kernel option of those with a label, all of which are ``y`` or absent (``bool`` in Kconfig)."""
    if asked.op in {"Exists", "DoesNotExist"}:
        return said(LabelCheck(key, asked.op))
    if asked.op == "In":
        return _in(key, tuple("true" if one in {"y", "m"} else one for one in asked.value))
    return unsaid(NO_OPERATOR)


def _local(name: str, asked: Expression) -> Said:
    """Say an expression on a label of a feature file; absence says nothing, as labels come from elsewhere too."""
    key = name if "/" in name else f"{NAMESPACE}/{name}"
    if not is_label(key) or not _allowed(key.partition("/")[0]):
        return unsaid(NO_LABEL)
    if asked.op in {"DoesNotExist", "NotIn"}:
        return unsaid("the label may come from elsewhere")
    return _value(key, asked, plain=_plain(LABEL, name), whole=_type(LABEL, name) is ValueType.INT)


def _allowed(namespace: str) -> bool:
    """Tell whether nfd-master puts labels of a namespace on a node (``validate.Label``)."""
    own = ("feature.node.kubernetes.io", "profile.node.kubernetes.io")
    if namespace in own or namespace.endswith(tuple(f".{one}" for one in own)):
        return True
    return namespace != "kubernetes.io" and not namespace.endswith(".kubernetes.io")


def _plain(feature: str, name: str) -> bool:
    """Tell whether every value of an element is a label's: that of a flag, of a number, of a truth value."""
    return feature == CPU or _type(feature, name) in {ValueType.INT, ValueType.BOOL}


def _type(feature: str, name: str) -> ValueType | None:
    known = catalogue().feature(feature)
    elements = known.kinds.get(Kind.ATTRIBUTE) if known else None
    found = elements.named.get(name) if elements else None
    return found.type if found else None
