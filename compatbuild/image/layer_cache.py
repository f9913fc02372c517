"""Layer facts that were read before, by diff ID: a rebuilt image is read only where it is new.

What is kept of a layer depends, but for a few files, on nothing but the layer: the programs and Python sources that the
image's config names lie in some layers, and another image on the same layers may name others. So facts are kept with
the starts that they were read for, and serve any image that finds in them what it would have kept itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from compatbuild.cache import Cache
from compatbuild.image import packages
from compatbuild.image.facts_bytes import from_bytes, to_bytes
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.view import Kind
from compatbuild.image.wanted import Start, Wanted

_KIND = "layers"


@dataclass(frozen=True)
class LayerCache:
    """The layers in a cache; safe to share between threads."""

    cache: Cache

    def read(self, diff_id: str, wanted: Wanted) -> LayerFacts | None:
        """Return the facts of a layer, for this image to narrow; None when they are not there or not enough."""
        found = self._read(_key(diff_id, wanted))
        if found is not None and (any(one.covers(wanted.start) for one in found[1]) or _holds(found[0], wanted)):
            return found[0]
        found = self._read(_own_key(diff_id, wanted))
        return found[0] if found else None

    def write(self, diff_id: str, facts: LayerFacts, wanted: Wanted) -> None:
        """Keep the facts of a layer that was read for an image.

        Where a limit cut them, what was cut may depend on what the image names: they serve that start alone.
        """
        key, starts = _key(diff_id, wanted), [wanted.start]
        if facts.limits:
            key = _own_key(diff_id, wanted)
        elif (found := self._read(key)) is not None:
            facts, starts = _joined(facts, found[0]), _largest([*starts, *found[1]])
        if data := to_bytes(facts, starts):
            self.cache.write(_KIND, key, data)

    def _read(self, key: list[str]) -> tuple[LayerFacts, tuple[Start, ...]] | None:
        data = self.cache.read(_KIND, key)
        try:
            return None if data is None else from_bytes(data)
        except ValueError:
            return None


def _key(diff_id: str, wanted: Wanted) -> list[str]:
    """Return what the facts of a layer depend on, beside the code of this tool and how the image starts."""
    return [diff_id, wanted.told]


def _own_key(diff_id: str, wanted: Wanted) -> list[str]:
    return [*_key(diff_id, wanted), *sorted(wanted.start.names), "", *wanted.start.roots]


def _holds(facts: LayerFacts, wanted: Wanted) -> bool:
    """Say whether all that is wanted of a layer by name is in facts that were read for other images."""
    for path, entry in facts.entries.items():
        if wanted.near(path) and entry.kind is Kind.FILE and entry.size:
            limit = wanted.limit(path) or (entry.size if wanted.is_source(path, entry.size) else 0)
            content = facts.files.get(path, b"")
            if len(content) < min(limit, entry.size) and not packages.is_condensed(content):
                return False
    return True


def _joined(facts: LayerFacts, others: LayerFacts) -> LayerFacts:
    """Join what was kept of one layer for two starts: of each file the longer part, the one holds the other."""
    files = dict(others.files)
    for path, content in facts.files.items():
        if len(content) >= len(files.get(path, b"")):
            files[path] = content
    return replace(facts, files=files, copies={**others.copies, **facts.copies})


def _largest(starts: Iterable[Start]) -> list[Start]:
    """Leave out starts that another covers."""
    kept: list[Start] = []
    for start in starts:
        if not any(other.covers(start) for other in kept):
            kept = [other for other in kept if not start.covers(other)] + [start]
    return kept
