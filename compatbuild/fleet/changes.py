"""What changed between two records: images that are new or gone, verdicts, and what decides them.

Of the older record only what is compared is kept, a few hundred bytes an image; rows of the newer one pass by.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from compatbuild.fleet.rows import Row
from compatbuild.fleet.tally import WORDS, teams, word

Kind = Literal["new", "gone", "worse", "better", "other"]
KINDS: tuple[Kind, ...] = ("worse", "new", "better", "other", "gone")
"""The order in which people want to read of them."""


@dataclass(frozen=True, slots=True)
class HostChange:
    """One host whose verdict on an image is another one; empty where it was not asked about."""

    host: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """One image that is not as it was.

    ``old`` and ``new`` are what it came to (a verdict or ``error``), empty where it is not there; ``hosts`` those whose
    verdict differs, the ones that became worse first. ``old_digest`` differs where a name leads to another image now.
    """

    kind: Kind
    name: str
    teams: tuple[str, ...]
    old: str = ""
    new: str = ""
    old_digest: str = ""
    new_digest: str = ""
    old_requirement: str = ""
    new_requirement: str = ""
    old_origin: str = ""
    new_origin: str = ""
    hosts: tuple[HostChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed, and how many images did not; ``by`` is how teams are told apart."""

    changes: tuple[Change, ...]
    same: int
    by: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is remembered of a row."""

    name: str
    digest: str
    word: str
    requirement: str
    origin: str
    teams: tuple[str, ...]
    verdicts: tuple[tuple[str, tuple[str, ...]], ...]

    def by_host(self) -> dict[str, str]:
        return {host: verdict for verdict, hosts in self.verdicts for host in hosts}


def compare(old: Iterable[Row], new: Iterable[Row], by: str) -> Changes:
    """Return what changed from one record to another, in the order of ``KINDS`` and of names.

    An image is found again by its digest, else by a name that it has in both.
    """
    kept: dict[str, _Kept] = {}
    names: dict[str, str] = {}
    for row in old:
        one = _kept(row, by)
        kept[row.key] = one
        for name in row.names:
            names.setdefault(name, row.key)
    found: list[Change] = []
    met: set[str] = set()
    same = 0
    for row in new:
        now = _kept(row, by)
        key = row.key if row.key in kept else next((names[name] for name in row.names if name in names), "")
        if not key:
            found.append(_change("new", None, now, ()))
            continue
        met.add(key)
        change = _compared(kept[key], now)
        if change is None:
            same += 1
        else:
            found.append(change)
    found += [_change("gone", before, None, ()) for key, before in kept.items() if key not in met]
    found.sort(key=lambda one: (KINDS.index(one.kind), one.name))
    return Changes(tuple(found), same, by)


def _kept(row: Row, by: str) -> _Kept:
    verdicts = tuple((group.verdict, group.hosts) for group in row.groups)
    whose = tuple(teams(row, by))
    return _Kept(row.names[0], row.digest, word(row), row.requirement, row.origin, whose, verdicts)


def _compared(old: _Kept, new: _Kept) -> Change | None:
    hosts = tuple(sorted(_hosts(old, new), key=lambda one: (not _is_worse(one.old, one.new), one.host)))
    if old.word != new.word:
        return _change("worse" if _is_worse(old.word, new.word) else "better", old, new, hosts)
    if hosts:
        worse = any(_is_worse(one.old, one.new) for one in hosts)
        return _change("worse" if worse else "better", old, new, hosts)
    if (old.requirement, old.origin) != (new.requirement, new.origin):
        return _change("other", old, new, hosts)
    return None


def _hosts(old: _Kept, new: _Kept) -> Iterator[HostChange]:
    before, now = old.by_host(), new.by_host()
    for host in before.keys() & now.keys():
        if before[host] != now[host]:
            yield HostChange(host, before[host], now[host])


def _is_worse(old: str, new: str) -> bool:
    return WORDS.index(new) < WORDS.index(old)


def _change(kind: Kind, old: _Kept | None, new: _Kept | None, hosts: tuple[HostChange, ...]) -> Change:
    there = new or old
    assert there is not None
    return Change(
        kind=kind,
        name=there.name,
        teams=there.teams,
        old=old.word if old else "",
        new=new.word if new else "",
        old_digest=old.digest if old else "",
        new_digest=new.digest if new else "",
        old_requirement=old.requirement if old else "",
        new_requirement=new.requirement if new else "",
        old_origin=old.origin if old else "",
        new_origin=new.origin if new else "",
        hosts=hosts,
    )
