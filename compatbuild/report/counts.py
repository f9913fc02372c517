"""How many hosts came to which verdict, in words that tables, pages and badges share."""

from collections import Counter
from collections.abc import Iterable, Mapping

from compatbuild.checking.verdicts import HostVerdict, Verdict


def counted(hosts: Iterable[HostVerdict]) -> Mapping[Verdict, int]:
    """Return the number of hosts of each verdict that occurs, the best verdict first."""
    counts = Counter(host.verdict for host in hosts)
    return {verdict: counts[verdict] for verdict in reversed(Verdict) if counts[verdict]}


def told(counts: Mapping[Verdict, int]) -> str:
    """Return the counts as people read them: ``71 compatible, 3 depends``."""
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items()) or "no hosts"


def kind_of(hosts: Iterable[HostVerdict]) -> tuple[str, str]:
    """Return what the hosts are, in the singular and the plural: operating systems, nodes, or both."""
    kinds = {host.kind for host in hosts}
    if kinds == {"profile"}:
        return "operating system", "operating systems"
    return ("host", "hosts") if "profile" in kinds or not kinds else ("node", "nodes")
