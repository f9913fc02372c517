"""RPM databases in Berkeley DB, which rpm wrote until 4.15 (RHEL 8 and older): ``Packages``, a hash.

Berkeley DB 4 and 5, hash versions 8 to 10, either byte order (rpm, ``lib/backend/bdb_ro.cc``; Berkeley DB,
``dbinc/db_page.h``). The pages are read one after another, not bucket by bucket: each pair is on exactly one page, so
nothing can loop. A pair's value is on the page itself, or on a chain of overflow pages.
"""

import struct
from collections.abc import Iterator

from compatbuild.image.pkg_rpm_database import MAX_HEADER, UnreadableError

_META = "8x4xIII"  # LSN, page number; magic, version, page size
HASH_MAGIC = 0x061561
BTREE_MAGIC = 0x053162
VERSIONS = range(8, 11)
PAGE_SIZES = tuple(512 << shift for shift in range(8))
"""512 bytes to 64 KiB, what Berkeley DB takes."""
_PAGE_HEADER = 26
_HASH_PAGES = (2, 13)  # P_HASH_UNSORTED, P_HASH
_OVERFLOW_PAGE = 7
_ON_PAGE, _OFF_PAGE = 1, 3  # H_KEYDATA, H_OFFPAGE
_OFF_PAGE_SIZE = 12


def headers(content: bytes) -> Iterator[bytes]:
    """Yield the values of a database, page by page.

    UnreadableError when it is none, is cut short, or has damaged pages; the sound values have been yielded by then.
    """
    yield from _Hash(content).values()


class _Hash:
    """A hash database in memory."""

    def __init__(self, content: bytes) -> None:
        if len(content) < PAGE_SIZES[0]:
            raise UnreadableError("it is cut short")
        self._content = content
        self._order, version, self._page_size = _meta(content)
        if version not in VERSIONS or self._page_size not in PAGE_SIZES:
            raise UnreadableError(f"it is a Berkeley DB hash of version {version}, which is not known")
        # LSN; number, previous, next, entries, end of free space, level, type
        self._pages = struct.Struct(f"{self._order}8xIIIHHBB")
        self._count = len(content) // self._page_size
        self._spent: set[int] = set()

    def values(self) -> Iterator[bytes]:
        """Yield every value; what is damaged is counted, and told at the end."""
        damaged = 0
        for index in range(1, self._count):
            number, _, _, entries, _, _, kind = self._page(index)
            if kind in _HASH_PAGES and number == index:
                for value in self._on_page(index, entries):
                    if value is None:
                        damaged += 1
                    else:
                        yield value
        if damaged:
            raise UnreadableError(f"{damaged:,} of its packages are damaged, or it is cut short")

    def _page(self, index: int) -> tuple[int, ...]:
        return self._pages.unpack_from(self._content, index * self._page_size)

    def _on_page(self, index: int, entries: int) -> Iterator[bytes | None]:
        """Yield the values of a page's pairs, None for one that is damaged; items lie from its end downwards."""
        start = index * self._page_size
        entries = min(entries, (self._page_size - _PAGE_HEADER) // 2)
        offsets = struct.unpack_from(f"{self._order}{entries}H", self._content, start + _PAGE_HEADER)
        for key, value in zip(offsets[::2], offsets[1::2], strict=False):
            if not _PAGE_HEADER <= value < key < self._page_size:
                yield None
                continue
            item = self._content[start + value : start + key]
            if item[0] == _ON_PAGE:
                yield item[1:]
            else:
                yield self._overflow(item)

    def _overflow(self, item: bytes) -> bytes | None:
        """Return the value that an item on a page stands for, None when its chain of pages is damaged.

        Every overflow page belongs to one value, so a page met twice is damage, and all chains together are no longer
        than the file.
        """
        if len(item) != _OFF_PAGE_SIZE or item[0] != _OFF_PAGE:
            return None
        at, size = struct.unpack_from(f"{self._order}II", item, 4)
        value = bytearray()
        while len(value) < size <= MAX_HEADER:
            if not 0 < at < self._count or at in self._spent:
                return None
            self._spent.add(at)
            number, _, following, _, used, _, kind = self._page(at)
            start = at * self._page_size + _PAGE_HEADER
            if kind != _OVERFLOW_PAGE or number != at or not 0 < used <= self._page_size - _PAGE_HEADER:
                return None
            value += self._content[start : start + used]
            at = following
        return bytes(value) if len(value) == size else None


def _meta(content: bytes) -> tuple[str, int, int]:
    """Return byte order, version and page size of a hash database."""
    for order in "<>":
        magic, version, page_size = struct.unpack_from(order + _META, content)
        if magic == HASH_MAGIC:
            return order, version, page_size
        if magic == BTREE_MAGIC:
            raise UnreadableError("it is a Berkeley DB tree, not the hash that rpm writes")
    raise UnreadableError("it is no Berkeley DB database")
