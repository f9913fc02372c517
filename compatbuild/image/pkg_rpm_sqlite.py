"""RPM databases in SQLite: what rpm writes since 4.16 (Fedora 33, RHEL 9), one header a row of ``Packages``.

Read by hand (sqlite.org, ``fileformat2``), so that a database is in memory once and nothing that its schema says is
ever run: views, triggers and generated columns are only bytes. Every page belongs to one tree or one row, so a page met
twice is damage, and no database costs more to read than it is long.
"""

import struct
from collections.abc import Iterator

from compatbuild.image.pkg_rpm_database import MAX_HEADER, UnreadableError

MAGIC = b"SQLite format 3\0"
PAGE_SIZES = tuple(512 << shift for shift in range(8))
"""512 bytes to 64 KiB, which stands there as 1."""
TABLE = "Packages"
_INTERIOR, _LEAF = 5, 13
_HEADERS = {_INTERIOR: 12, _LEAF: 8}
"""Bytes of the header of a page of a table."""
_FILE_HEADER = 100
_LEAST_USABLE = 480
_SMALL = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
"""Bytes of the serial types that are numbers or NULL."""
MAX_COLUMNS = 64
"""Values of a row that are looked at."""

_Value = bytes | str | int | None


def headers(content: bytes) -> Iterator[bytes]:
    """Yield the headers of a database; UnreadableError when it is none, cut short or damaged, after the sound ones."""
    yield from _Database(content).blobs()


class _DamagedError(Exception):
    """Something does not lie where it is said to."""


class _Database:
    """A database in memory. Pages are numbered from 1."""

    def __init__(self, content: bytes) -> None:
        if len(content) < _FILE_HEADER or not content.startswith(MAGIC):
            raise UnreadableError("it is no SQLite database")
        (size,) = struct.unpack_from(">H", content, 16)
        self._page_size = 65_536 if size == 1 else size
        self._usable = self._page_size - content[20]
        if self._page_size not in PAGE_SIZES or self._usable < _LEAST_USABLE:
            raise UnreadableError("its pages have no size that SQLite knows")
        self._content = content
        self._count = len(content) // self._page_size
        self._spent: set[int] = set()

    def blobs(self) -> Iterator[bytes]:
        """Yield the content of the table's rows; what is damaged is counted, and told at the end."""
        damaged = 0
        for row in self._rows(self._root()):
            blob = next((value for value in row or () if isinstance(value, bytes)), None)
            if blob is None:
                damaged += 1
            else:
                yield blob
        if damaged:
            raise UnreadableError(f"{damaged:,} of its packages are damaged, or it is cut short")

    def _root(self) -> int:
        """Return the page where the table begins."""
        broken = False
        for row in self._rows(1):
            broken = broken or row is None
            # Type, name, name of the table, first page and SQL text of everything that there is.
            if row is not None and row[:2] == ["table", TABLE] and len(row) > 3 and isinstance(row[3], int):
                return row[3]
        raise UnreadableError("its schema is damaged" if broken else f"it has no table {TABLE}")

    def _rows(self, root: int) -> Iterator[list[_Value] | None]:
        """Yield the rows of a table in their order, None for each that is damaged."""
        todo = [root]
        while todo:
            try:
                number = todo.pop()
                kind, cells, right = self._page(number)
            except _DamagedError:
                yield None
                continue
            if kind == _INTERIOR:
                todo.append(right)
                todo += [self._number(cell) for cell in reversed(cells)]
                continue
            for cell in cells:
                try:
                    yield _values(self._payload(cell, number * self._page_size))
                except _DamagedError:
                    yield None

    def _page(self, number: int) -> tuple[int, list[int], int]:
        """Return the kind of a page, where its cells begin, and its right-most child."""
        start = self._take(number)
        at = start + (_FILE_HEADER if number == 1 else 0)
        kind, _, count, _, _ = struct.unpack_from(">BHHHB", self._content, at)
        size = _HEADERS.get(kind)
        if size is None or at + size + 2 * count > start + self._usable:
            raise _DamagedError
        offsets = struct.unpack_from(f">{count}H", self._content, at + size)
        if any(offset + 4 > self._usable for offset in offsets):
            raise _DamagedError
        return kind, [start + offset for offset in offsets], self._number(at + 8) if kind == _INTERIOR else 0

    def _take(self, number: int) -> int:
        """Return where a page begins, which nothing else may have asked for."""
        if not 0 < number <= self._count or number in self._spent:
            raise _DamagedError
        self._spent.add(number)
        return (number - 1) * self._page_size

    def _number(self, at: int) -> int:
        return int.from_bytes(self._content[at : at + 4], "big")

    def _payload(self, at: int, end: int) -> bytes:
        """Return the payload of a leaf's cell: what of it is on the page, and the rest on a chain of others."""
        size, at = _varint(self._content, at, end)
        _, at = _varint(self._content, at, end)  # the row's number
        if size > MAX_HEADER:
            raise _DamagedError
        here = self._local(size)
        payload = bytearray(self._content[at : min(at + here, end)])
        following = self._number(at + here) if here < size else 0
        while following and len(payload) < size:
            start = self._take(following)
            payload += self._content[start + 4 : start + min(self._usable, 4 + size - len(payload))]
            following = self._number(start)
        if len(payload) != size:
            raise _DamagedError
        return bytes(payload)

    def _local(self, size: int) -> int:
        """Return how many bytes of a payload are on the leaf itself ("Cell Payload Overflow Pages")."""
        most = self._usable - 35
        if size <= most:
            return size
        least = (self._usable - 12) * 32 // 255 - 23
        wanted = least + (size - least) % (self._usable - 4)
        return wanted if wanted <= most else least


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, seven bits in each and eight in the ninth, and the place behind it."""
    value = 0
    for index in range(9):
        if at >= end:
            break
        byte = content[at]
        at += 1
        if index == 8:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    raise _DamagedError


def _values(record: bytes) -> list[_Value]:
    """Return the values of a record ("Record Format"); numbers with a fraction are None."""
    head, at = _varint(record, 0, len(record))
    if head > len(record):
        raise _DamagedError
    values: list[_Value] = []
    start = head
    while at < head and len(values) < MAX_COLUMNS:
        kind, at = _varint(record, at, head)
        size = _SMALL.get(kind, max(kind - 12, 0) // 2)
        piece = record[start : start + size]
        start += size
        if kind in (10, 11) or len(piece) != size:
            raise _DamagedError
        if kind >= 12:
            values.append(piece.decode("utf-8", "replace") if kind % 2 else piece)
        else:
            values.append({0: None, 7: None, 8: 0, 9: 1}.get(kind, int.from_bytes(piece, "big", signed=True)))
    return values
