"""What is known of a host about one expression, and what follows from that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compatbuild.checking.verdicts import Verdict
from compatbuild.hosts.host import Host, Policy
from compatbuild.nfd.catalogue import Kind, catalogue
from compatbuild.nfd.comparison import searches
from compatbuild.nfd.results import Outcome, Row, TermResult

MODULES = frozenset({"kernel.loadedmodule", "kernel.enabledmodule"})
DRIVERS = {"nvidia": "nvidia", "nvidia_uvm": "nvidia", "amdgpu": "amd", "i915": "intel", "xe": "intel"}
"""Kernel modules of GPU drivers, by the vendor as ``Host.drivers`` names it."""
NEGATIVE = frozenset({"DoesNotExist", "NotIn", "IsFalse"})
"""Operators that hold of what is not there, or not so: no setting can forbid that."""
RELEASE_ENDS = ("", "-1", "-427.13.1.el9_4.x86_64", "-45-generic", ".1-1.azl3", "+")
"""How kernel releases go on after their version (NFD v0.19 reads each of them)."""

NODE_REMEDY = "check a node itself: --host on it, or --features with what NFD exports there"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict on one expression, and why; see ``ExpressionVerdict``."""

    verdict: Verdict
    reason: str = ""
    remedy: str = ""
    source: str = ""
    detail: str = ""


YES = Answer(Verdict.COMPATIBLE)


class Known:
    """What is known of one host, ready to be asked often."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._policies = {(one.feature, one.element): one for one in host.policies}
        self._partly = {place.partition("/")[0] for place in host.unknown}

    def answer(self, row: Row, *, published: bool) -> Answer:
        """Say what an expression comes to on this host."""
        feature = row.feature.lower()
        if row.outcome is Outcome.ERROR:
            return Answer(Verdict.UNKNOWN, row.reason, "mend the specification")
        found = self._answer(row, feature, published=published)
        policy = self._forbidden(row, feature)
        return found if policy is None or found.verdict is Verdict.INCOMPATIBLE else _forbidding(policy)

    def exact(self, term: TermResult) -> bool:
        """Tell whether the matcher's answer about a whole term, and not only about its expressions, counts.

        It does where everything is known, and of devices, of which one has to meet all expressions together.
        """
        feature = term.feature.lower()
        return feature not in self._partly or _devices(feature)

    def missing_device(self, feature: str) -> Answer:
        """Say what it comes to that no device known here has all that a term asks for."""
        if feature in self._partly:
            return self._open(feature, ())
        return Answer(Verdict.INCOMPATIBLE, "no single device has all that is asked for here")

    def _answer(self, row: Row, feature: str, *, published: bool) -> Answer:
        if feature not in self._partly:
            return self._settled(row, feature, published=published)
        if not row.name or _devices(feature):
            return self._any_name(row, feature)
        place = f"{feature}/{row.name}"
        if place in self.host.approximate:
            return self._approximate(row, feature)
        if place in self.host.substitutes or not self.host.known(feature, row.name):
            return self._open(feature, (row.name,))
        if place in self.host.absent and row.op == "DoesNotExist":
            return YES  # known, even where nothing else of the feature is
        return self._settled(row, feature, published=True)

    def _settled(self, row: Row, feature: str, *, published: bool) -> Answer:
        if row.outcome is Outcome.TRUE:
            return YES
        names = (row.name,) if row.name else row.value
        loadable = [name for name in names if feature in MODULES and name in self.host.modules]
        remedy = f"load the module: modprobe {loadable[0]}" if loadable else ""
        remark = next(filter(None, (self.host.remark(feature, name) for name in names)), "")
        return Answer(Verdict.INCOMPATIBLE, _why(row, remark, published=published), remedy)

    def _any_name(self, row: Row, feature: str) -> Answer:
        """Answer for a device, or any name that fits: what holds of the known ones still holds when there are more."""
        if row.outcome is Outcome.TRUE:
            return YES
        names = () if _devices(feature) else row.value
        places = [f"{feature}/{name}" for name in names]
        ruled_out = row.op == "In" and names and all(self.host.known(feature, name) for name in names)
        if row.op == "DoesNotExist" and not row.name:  # never true of a name
            ruled_out = True
        if ruled_out and not any(place in self.host.substitutes for place in places):
            return self._settled(row, feature, published=True)
        return self._open(feature, names)

    def _open(self, feature: str, names: Sequence[str]) -> Answer:
        """Say why something is not known, and whether it depends on what a node has."""
        host = self.host
        remarks = [host.remark(feature, name) for name in names] or [host.remark(feature, "")]
        remark = next(filter(None, remarks), "")
        if substitute := next((s for n in names if (s := host.substitutes.get(f"{feature}/{n}"))), ""):
            return Answer(Verdict.DEPENDS, substitute, NODE_REMEDY)
        if loadable := next((n for n in names if feature in MODULES and n in host.modules), ""):
            how = host.modules[loadable] or "the module is installed and loaded when something asks for it"
            return Answer(Verdict.DEPENDS, how, f"load the module: modprobe {loadable}")
        driver = next((DRIVERS[n] for n in names if feature in MODULES and n in DRIVERS), "")
        if driver and host.kind == "profile":
            how = host.remark("driver", driver) or "the driver is installed by whoever runs the node"
            return Answer(Verdict.DEPENDS, f"{driver} driver: {how}", NODE_REMEDY, host.source("driver", driver))
        if host.kind == "profile" and _of_the_node(feature):
            return Answer(Verdict.DEPENDS, remark or "it is a matter of each node", NODE_REMEDY)
        return Answer(Verdict.UNKNOWN, remark or f"{host.name} does not tell", NODE_REMEDY)

    def _approximate(self, row: Row, feature: str) -> Answer:
        """Answer for a text of which only the beginning is known."""
        value = row.found[0] if row.found else ""
        if row.op in {"", "Exists", "DoesNotExist"}:
            return self._settled(row, feature, published=True)
        if row.op == "InRegexp":
            answers = {any(searches(pattern, value + end) for pattern in row.value) for end in RELEASE_ENDS}
            if len(answers) == 1:
                return (
                    replace(YES, reason=f"{value} is the version; the release is not known")
                    if answers == {True}
                    else self._settled(row, feature, published=True)
                )
        if row.op == "In" and not any(one.startswith(value) for one in row.value):
            return self._settled(row, feature, published=True)
        return Answer(Verdict.UNKNOWN, f"only the beginning is known: {value}", NODE_REMEDY)

    def _forbidden(self, row: Row, feature: str) -> Policy | None:
        """Give the setting that forbids what an expression asks for; of several names it must forbid each."""
        if not self._policies or row.op in NEGATIVE:
            return None
        if row.name:
            return self._policies.get((feature, row.name))
        names = row.found or (row.value if row.op == "In" else ())
        found = [self._policies.get((feature, name)) for name in names]
        return found[0] if found and all(found) else None


def _forbidding(policy: Policy) -> Answer:
    reason = f"the kernel can, node policy forbids: {policy.setting}"
    return Answer(Verdict.INCOMPATIBLE, reason, policy.remedy, policy.source, policy.reason)


def _why(row: Row, remark: str, *, published: bool) -> str:
    if not published:
        return remark or "NFD publishes nothing of this feature there"
    if row.op == "DoesNotExist":
        return "it is there"
    if row.found and row.name:
        return f"it is {', '.join(row.found)}"
    return remark or ("it is not there" if row.name or len(row.value) == 1 else "nothing of that kind is there")


def _of_the_node(feature: str) -> bool:
    """Tell whether a feature is about hardware or labels, which no operating system decides."""
    return feature.partition(".")[0] not in {"kernel", "system"} or feature in {"system.dmiid", "system.name"}


def _devices(feature: str) -> bool:
    known = catalogue().feature(feature)
    return known is not None and set(known.kinds) == {Kind.INSTANCE}
