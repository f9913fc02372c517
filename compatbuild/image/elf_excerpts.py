"""Things inside an ELF file that announce themselves with a few bytes and tell their own length."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from compatbuild.image.elf_stream import LOOK, NEVER, Block, Scope
from compatbuild.image.elf_windows import Windows

HITS_MAX = 65_536
"""Places at which the first bytes look right but what follows is looked at in vain, in one file."""


class Excerpt(NamedTuple):
    """What was copied from a place in the file."""

    offset: int
    data: bytes


class ExcerptReader(ABC):
    """Copies each thing that begins with ``needle``, one after the other, and has it parsed when it is complete."""

    def __init__(self, needle: bytes, scope: Scope, *, align: int = 1) -> None:
        """Search ``scope`` for ``needle``, at most LOOK bytes, at offsets that are multiples of ``align``."""
        self._needle = needle
        self._align = align
        self._scope = scope
        self._begin = 0
        self._copy: Windows | None = None
        self._hits_left = HITS_MAX
        self.resume = scope.following(0)

    @abstractmethod
    def length(self, head: bytes) -> int:
        """Return how many bytes to copy of what begins with ``head`` (LOOK bytes, unless the file ends), 0 for none."""

    @abstractmethod
    def parse(self, excerpt: Excerpt) -> bool:
        """Take in a copy, shorter than asked for where the file ends; say whether to look for more."""

    def scan(self, block: Block) -> None:
        """Search a block, and copy from it."""
        while self.resume < block.horizon:
            if self._copy is None:
                self._search(block)
            else:
                self._fill(self._copy, block)
        if block.last and self._copy is not None:
            self._finish(self._copy)

    def _search(self, block: Block) -> None:
        for start, stop in self._scope.parts(self.resume, block.horizon):
            at = block.find(self._needle, start, stop)
            while at >= 0 and self._hits_left:
                length = 0 if at % self._align else self.length(block.peek(at, LOOK))
                if length:
                    self._begin, self._copy = at, Windows([(at, at + length)])
                    self.resume = at
                    return
                self._hits_left -= 1
                at = block.find(self._needle, at + 1, stop)
        self.resume = self._scope.following(block.horizon) if self._hits_left else NEVER

    def _fill(self, copy: Windows, block: Block) -> None:
        copy.scan(block)
        self.resume = copy.resume
        if self.resume == NEVER:
            self._finish(copy)

    def _finish(self, copy: Windows) -> None:
        excerpt = Excerpt(self._begin, copy.peek(self._begin, copy.size))
        self._copy = None
        self.resume = self._scope.following(self._begin + copy.size) if self.parse(excerpt) else NEVER
