"""What one layer holds, and what was cut of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import Kind

MAX_NOTE = 500
"""Characters of a text that says what was cut."""


class Entry(NamedTuple):
    """What a layer says of one path: ``mode`` the permission bits, ``target`` a symbolic link's text."""

    kind: Kind
    size: int
    mode: int
    target: str = ""


@dataclass(frozen=True)
class LayerFacts:
    """What one layer holds: a pure function of its content, the version of this tool and what was wanted.

    Paths are absolute and normal, the root is ``/``. ``directories`` are those that only the names of other members
    imply; ``links`` are hard links to files of lower layers; ``elves`` and ``files`` hold content by path, hard links
    within the layer already followed: ``copies`` says for which other name the content of such a path was kept.
    ``members`` counts what was read to learn this; ``limits`` says what was cut, ``skipped`` what was not looked at.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    directories: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    whiteouts: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    elves: Mapping[str, ElfFacts] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    members: int = 0
    limits: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


class Notes:
    """What was cut, in words: at most so many texts, and how many more there were."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: dict[str, None] = {}
        self._more = 0

    def add(self, text: str) -> None:
        """Add a text once, and not all of it when it is long."""
        text = text if len(text) <= MAX_NOTE else f"{text[:MAX_NOTE]}…"
        if len(self._texts) < self._most:
            self._texts[text] = None
        elif text not in self._texts:
            self._more += 1

    def texts(self) -> tuple[str, ...]:
        """Return the texts in the order they came."""
        return (*self._texts, f"and {self._more:,} more limits of this kind") if self._more else tuple(self._texts)
