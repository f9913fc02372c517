"""Names of packages in Spack's build caches: how a user asks for one, and which ones are meant."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compatbuild.errors import NotFoundError, UsageError

MAX_LISTED = 20
_ASKED = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]*)?(?:@(?P<version>[A-Za-z0-9_.+-]+))?(?:/(?P<hash>[a-z0-9]{1,32}))?")
_LABEL = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*(?:-[^-]+)*|[a-z]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asked for; what is empty is left open."""

    name: str
    version: str
    hash: str

    @property
    def anything(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.name or self.version or self.hash)


@dataclass(frozen=True, slots=True)
class Entry:
    """A package in a cache: ``label`` is ``NAME-VERSION``, as file names have it, and ``place`` where its spec is."""

    label: str
    hash: str
    place: str

    @property
    def shown(self) -> str:
        """Return it as a user asks for it, the name a guess where the version begins with no digit."""
        match = _LABEL.fullmatch(self.label)
        return f"{match['name']}@{match['version']} /{self.hash[:7]}" if match else f"{self.label} /{self.hash[:7]}"

    def may_be(self, asked: Asked) -> bool:
        """Say whether it may be what was asked for, as far as its name tells."""
        named = not asked.name or self.label.startswith(f"{asked.name}-")
        return named and self.hash.startswith(asked.hash) and self.label.endswith(asked.version)


def parse_asked(text: str) -> Asked:
    """Parse ``NAME``, ``NAME@VERSION``, ``/HASH`` or a joint of them; UsageError for anything else."""
    match = _ASKED.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text[:100]!r} is no package of Spack's",
            why="a package is NAME, NAME@VERSION or /HASH",
            remedy="write spack:MIRROR#hdf5, spack:MIRROR#hdf5@1.14.3 or spack:MIRROR#/abcdefg",
        )
    return Asked(match["name"] or "", match["version"] or "", match["hash"] or "")


def choose(entries: Sequence[Entry], asked: Asked, what: str, is_named: Callable[[Entry], bool]) -> Entry:
    """Return the one entry that is meant; ``is_named`` reads a spec to say whether its name is the one asked for.

    Errors: NotFoundError when there is none, with what there is of similar name; UsageError when there are several.
    """
    found = [entry for entry in entries if entry.may_be(asked)]
    if asked.name:
        found = [entry for entry in found if is_named(entry)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{what} has {len(found)} packages" + ("" if asked.anything else " that fit"),
            why=_listing(found),
            remedy=f"name one by its hash: #/{found[0].hash[:7]}",
        )
    if not entries:
        raise NotFoundError(f"{what} has no package", why="nothing in it is a spec", remedy="push one, or name another")
    labels = sorted({entry.label for entry in entries})
    near = difflib.get_close_matches(asked.name, labels, 5, 0.4) if asked.name else []
    shown = [entry for entry in entries if entry.label in near] or list(entries)
    raise NotFoundError(f"{what} has no such package", why=f"it has {_listing(shown)}", remedy="name one that it has")


def _listing(entries: Sequence[Entry]) -> str:
    names = sorted({entry.shown for entry in entries})
    return ", ".join(names[:MAX_LISTED]) + (f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else "")
