"""A layer read by its table of contents: what is wanted of it is got by ranges, the rest is never asked for.

The facts are those that streaming gives, as long as the table says what the layer holds. Neither the digest of the
layer nor its diff ID can be checked: what vouches for the table is the manifest, and for each chunk the table. So this
is done only for who trusts the author of the image (ADR 6).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from compatbuild.errors import ImageError
from compatbuild.image.collect import Collector
from compatbuild.image.layer import ELF_MAGIC, FileContent, Keeper, keep_members
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import BlobLayer, Scan
from compatbuild.image.limits import MIB
from compatbuild.image.random_access import RandomAccess
from compatbuild.image.toc import Toc, TocPlace, read_toc
from compatbuild.image.toc_entries import Chunk, TocEntry
from compatbuild.image.toc_fetch import Chunks, Counted, Fetcher
from compatbuild.image.toc_plan import USUAL, Thrift, plan

SMALL = 4 * MIB
"""Bytes of a layer for which no table is looked at: streaming it costs no more than that."""


@dataclass(frozen=True)
class TocLayer:
    """A layer with a table of contents; it is read as the ``whole`` that it is where ranges do not help, or fail.

    ``digest`` is the table's: what is read here is known by that, and must not be taken for the layer of some digest.
    ``say`` is told what was done; it may come from another thread.
    """

    whole: BlobLayer
    data: RandomAccess
    place: TocPlace
    say: Callable[[str], None]
    thrift: Thrift = USUAL
    small: int = SMALL

    @property
    def digest(self) -> str:
        """The digest of the table of contents."""
        return self.place.digest

    @property
    def diff_id(self) -> str:
        """The digest of the uncompressed layer, by the word of the image config."""
        return self.whole.diff_id

    @property
    def size(self) -> int:
        """Bytes of the whole layer."""
        return self.whole.size

    def facts(self, scan: Scan) -> LayerFacts:
        """Read the layer; errors are those of reading it as a whole."""
        told = _Told(scan.tick, self.size)
        scan = replace(scan, tick=told)
        if self.size >= self.small:
            try:
                facts = self._by_ranges(scan)
            except ImageError as error:
                self.say(f"{self.whole.name} is read as a whole, and not by its table of contents: {error.what}")
            else:
                if facts is not None:
                    told.rest()
                    return facts
        return self.whole.facts(scan)

    def _by_ranges(self, scan: Scan) -> LayerFacts | None:
        """Read it so; None when that would not save enough."""
        data = Counted(self.data, scan.tick)
        toc = read_toc(data, self.place, scan.limits)
        chosen = plan(toc.verified(), toc.start, scan.wanted, self.thrift)
        if chosen.cost + data.fetched > self.thrift.share * self.size:
            return None
        facts = _Reading(toc, Fetcher(data, chosen, self.thrift), scan).facts()
        got = f"{data.fetched:,} of {self.size:,} bytes in {data.requests} requests"
        self.say(f"{self.whole.name}: {got}, by its table of contents")
        return facts


class _Told:
    """Tells of bytes, of a layer no more than it has, however often it is begun."""

    def __init__(self, tick: Callable[[int], None], size: int) -> None:
        self._tick = tick
        self._left = size

    def __call__(self, count: int) -> None:
        told = min(count, self._left)
        self._left -= told
        self._tick(told)

    def rest(self) -> None:
        """Tell of what need not be read."""
        self(self._left)


class _Reading:
    """One way through a table of contents, in its order."""

    def __init__(self, toc: Toc, fetcher: Fetcher, scan: Scan) -> None:
        self._toc = toc
        self._scan = scan
        self._entries = _Ahead(toc.entries())
        self._chunks = Chunks(fetcher, toc.start, scan.limits)
        self._chunk: Iterator[bytes] = iter(())
        self._collector = Collector(scan.limits)
        self._keeper = Keeper(scan, self._collector)

    def facts(self) -> LayerFacts:
        """Return what streaming the layer would."""
        for member, chunk in self._entries:
            if member is None:
                continue  # more of a file of which enough is known
            path = self._collector.add(member)
            if path and chunk is not None:
                self._file(path, member.size, chunk)
        if self._toc.in_archive:
            keep_members(self._toc.archive(), self._collector, self._keeper, self._scan.wanted)
        return self._collector.facts()

    def _file(self, path: str, size: int, chunk: Chunk) -> None:
        """Read of a file what is wanted, and every chunk that was begun to its end, so that it is checked."""
        wanted = self._scan.wanted
        near = wanted.near(path)
        if not near and not (wanted.elf and size >= len(ELF_MAGIC)):
            return
        content = FileContent(self._content(size, chunk))
        is_elf = wanted.elf and content.starts_with(ELF_MAGIC)
        if is_elf or near:
            self._keeper.keep(path, size, content.take, is_elf=is_elf)
        for _ in self._chunk:
            pass
        self._chunk = iter(())

    def _content(self, size: int, chunk: Chunk) -> Iterator[bytes]:
        """Yield a file's content, as far as it is asked for."""
        while True:
            content = self._chunks.content(chunk, size - chunk.at)
            self._chunk = iter(()) if chunk.zeros else content  # zeros need no check, and may be endless
            for piece in content:  # noqa: UP028 - that would close it with this one
                yield piece
            following = self._entries.peek()
            if following is None or following.member is not None or following.chunk is None:
                return
            chunk = following.chunk
            next(self._entries)


class _Ahead:
    """Entries, of which the next one can be looked at."""

    def __init__(self, entries: Iterator[TocEntry]) -> None:
        self._entries = entries
        self._next: TocEntry | None = None

    def __iter__(self) -> Iterator[TocEntry]:
        return self

    def __next__(self) -> TocEntry:
        entry = self.peek()
        if entry is None:
            raise StopIteration
        self._next = None
        return entry

    def peek(self) -> TocEntry | None:
        """Return the next entry, and leave it; None at the end."""
        if self._next is None:
            self._next = next(self._entries, None)
        return self._next
