"""Texts inside ELF files that say what no table says: ``release 12.9`` of a compiler, a loader's refusal."""

import re
from collections.abc import Iterable
from functools import lru_cache

from compatbuild.image.elf_stream import LOOK, NEVER, Block, Scope
from compatbuild.image.interests import Marker, glob_pattern

HITS_MAX = 1024
"""Places of one needle at which its pattern is tried in one file; after that the marker counts as absent."""


@lru_cache(maxsize=1024)
def _glob(glob: str) -> re.Pattern[str]:
    return glob_pattern(glob)


class MarkerReader:
    """Finds the markers meant for the file at ``path``: of each, the first place at which its pattern holds.

    Of a needle longer than LOOK bytes the first LOOK are searched; an empty one is found nowhere.
    """

    def __init__(self, path: str, markers: Iterable[Marker], scope: Scope) -> None:
        self._hits_left = {m: HITS_MAX for m in markers if m.needle and _glob(m.glob).fullmatch(path)}
        self._scope = scope
        self._done = 0
        self.found: dict[str, tuple[str, ...]] = {}

    @property
    def resume(self) -> int:
        """The next offset to search."""
        return self._scope.following(self._done) if self._hits_left else NEVER

    def scan(self, block: Block) -> None:
        """Search a block for the markers not found yet; of several with one id the first in the file counts."""
        hits = [(*hit, m.id) for m in self._hits_left if (hit := self._search(m, block)) is not None]
        for _, groups, name in sorted(hits):
            self.found.setdefault(name, groups)
        self._hits_left = {m: left for m, left in self._hits_left.items() if left and m.id not in self.found}
        self._done = block.horizon

    def _search(self, marker: Marker, block: Block) -> tuple[int, tuple[str, ...]] | None:
        needle = marker.needle[:LOOK]
        for start, stop in self._scope.parts(self._done, block.horizon):
            at = block.find(needle, start, stop)
            while at >= 0 and self._hits_left[marker]:
                groups = _groups(marker, block.peek(at, LOOK))
                if groups is not None:
                    return at, groups
                self._hits_left[marker] -= 1
                at = block.find(needle, at + 1, stop)
        return None


def _groups(marker: Marker, text: bytes) -> tuple[str, ...] | None:
    """Return the groups of the marker's pattern in the bytes that begin with its needle; None if it does not hold."""
    match = re.search(marker.pattern, text)
    return None if match is None else tuple((g or b"").decode("utf-8", "replace") for g in match.groups())
