"""A short answer where hosts are many: what decides, and the hosts on which it does."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compatbuild.checking.verdicts import Checked, HostVerdict, Verdict
from compatbuild.report.counts import counted, told
from compatbuild.report.matrix import MAX_NAME, MAX_REASON, word
from compatbuild.report.text import plain
from compatbuild.report.verdicts import decided


def summary(checked: Sequence[Checked]) -> RenderableType:
    """Return for each image what decides, the worst verdicts first, each with the hosts on which it does."""
    parts: list[RenderableType] = []
    for one in checked:
        parts += [Text()] if parts else []
        parts += [Text(f"{plain(one.subject.name)}: {told(counted(one.hosts))}", style="bold"), _grid(one.hosts)]
        parts += [Text(f"note: {plain(text)}") for text in one.subject.information]
    return Group(*parts)


@dataclass(frozen=True, slots=True)
class _Member:
    """One host of a group: its name, how what decides does so, and what can be done."""

    name: str
    reason: str
    remedy: str


def _grid(hosts: Sequence[HostVerdict]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("VERDICT", no_wrap=True)
    grid.add_column("HOSTS", no_wrap=True, justify="right")
    grid.add_column("BECAUSE", overflow="fold", ratio=1)
    for (verdict, what), members in _groups(hosts):
        grid.add_row(word(verdict), str(len(members)), _story(what, members))
    return grid


def _groups(hosts: Sequence[HostVerdict]) -> list[tuple[tuple[Verdict, str], list[_Member]]]:
    """Return the hosts about which the same thing decides together, the worst and the largest groups first."""
    groups: dict[tuple[Verdict, str], list[_Member]] = {}
    for host in hosts:
        what, reason = decided(host)
        remedy = getattr(host.deciding, "remedy", "")  # a rule that could not be evaluated has none
        member = _Member(plain(host.name, MAX_NAME), plain(reason, MAX_REASON), plain(remedy, MAX_REASON))
        groups.setdefault((host.verdict, what), []).append(member)
    return sorted(groups.items(), key=lambda one: (one[0][0].rank, -len(one[1])))


def _story(what: str, members: Sequence[_Member]) -> Text:
    """Return what decides, what can be done if that is the same for all, and the hosts, a line for each reason."""
    remedies = {one.remedy for one in members}
    reasons: dict[str, list[str]] = {}
    for one in members:
        reasons.setdefault(one.reason, []).append(one.name)
    advice = [Text(f"try: {remedies.pop()}")] if len(remedies) == 1 and any(remedies) else []
    if len(reasons) == 1:
        title = ": ".join(filter(None, (what, *reasons)))
        told = [Text(", ".join(one.name for one in members))]
    else:
        title = what
        shared = [Text(f"{', '.join(names)} ({reason})") for reason, names in reasons.items() if len(names) > 1]
        alone = [f"{names[0]} ({reason})" for reason, names in reasons.items() if len(names) == 1]
        told = [*shared, *([Text(", ".join(alone))] if alone else [])]
    return Text("\n").join([*([Text(title, style="bold")] if title else []), *advice, *told])
