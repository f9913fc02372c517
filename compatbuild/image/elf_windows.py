"""The few ranges of a file that are kept while it streams by, and reading them without trust."""

from bisect import bisect_right
from collections.abc import Iterable
from types import TracebackType

from compatbuild.image.elf_stream import NEVER, Block

TEXT_MAX = 262_144
"""Bytes of text taken from one file: names may share their bytes, so what they add up to is not bounded by its size."""

NOTES_MAX = 8
"""Kinds of damage told of one file."""


class DamagedError(Exception):
    """A part of a file is not where the file says, or not kept; the text says which part. Never leaves this room."""


class Damage:
    """What could not be read of a file; ``with damage:`` turns a DamagedError of its body into a note."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}

    def note(self, text: str) -> None:
        """Remember one thing, once; NOTES_MAX of them are told."""
        if len(self._notes) < NOTES_MAX:
            self._notes[text] = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if isinstance(error, DamagedError):
            self.note(str(error))
            return True
        return False

    def __str__(self) -> str:
        return "; ".join(self._notes)


class Windows:
    """Ranges of one file, filled in passing; a reader of the stream (``resume``, ``scan``) like any other."""

    def __init__(self, ranges: Iterable[tuple[int, int]], *, text_max: int = TEXT_MAX) -> None:
        """Plan to keep ``ranges``, pairs of start and end in any order; overlapping ones are joined."""
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in sorted(ranges):
            if self._stops and start <= self._stops[-1]:
                self._stops[-1] = max(stop, self._stops[-1])
            elif start < stop:
                self._starts.append(start)
                self._stops.append(stop)
        self._kept = [bytearray() for _ in self._starts]
        self._filling = 0
        self._later: Windows | None = None
        self._text_left = text_max

    @classmethod
    def over(cls, data: bytes, *, text_max: int = TEXT_MAX) -> "Windows":
        """Return windows over bytes that are all at hand."""
        windows = cls([(0, len(data))], text_max=text_max)
        windows.scan(Block(0, data, last=True))
        return windows

    def join(self, later: "Windows") -> None:
        """Read from ``later`` too what is not kept here."""
        self._later = later

    @property
    def size(self) -> int:
        """The bytes to keep in all."""
        return sum(self._stops) - sum(self._starts)

    @property
    def resume(self) -> int:
        """The next offset to be kept."""
        if self._filling == len(self._starts):
            return NEVER
        return self._starts[self._filling] + len(self._kept[self._filling])

    def scan(self, block: Block) -> None:
        """Keep what the block has of the ranges."""
        while block.base <= self.resume < block.end:
            stop = self._stops[self._filling]
            self._kept[self._filling] += block.data[self.resume - block.base : stop - block.base]
            if stop > block.end:
                return
            self._filling += 1

    def peek(self, offset: int, length: int) -> bytes:
        """Return what is kept at ``offset``: at most ``length`` bytes, none if nothing is."""
        data = b""
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and length > 0:
            within = offset - self._starts[at]
            data = bytes(self._kept[at][within : within + length])
        if len(data) < length and self._later is not None:
            data = max(data, self._later.peek(offset, length), key=len)
        return data

    def read(self, offset: int, length: int, what: str) -> bytes:
        """Return exactly ``length`` bytes; DamagedError, naming ``what``, when they are not kept."""
        data = self.peek(offset, length)
        if len(data) < length:
            raise DamagedError(f"{what} not readable")
        return data

    def text(self, offset: int, longest: int, what: str) -> str:
        """Return the text up to a zero byte, at most ``longest`` bytes of it; DamagedError without such a zero."""
        data = self.peek(offset, longest + 1)
        stop = data.find(0)
        if stop < 0:
            raise DamagedError(f"{what} not readable")
        self._text_left -= stop
        if self._text_left < 0:
            raise DamagedError("more text than is taken from one file")
        return data[:stop].decode("utf-8", "replace")
