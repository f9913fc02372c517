"""A tar reader for layers: one pass, bounded, and a fifth of the cost of ``tarfile`` a member.

Formats: v7, ustar, GNU (long names, base-256 numbers, sparse) and PAX (IEEE Std 1003.1, ``pax``). Where readers differ
this one does as Go's archive/tar, which containerd and docker unpack layers with: links, directories and devices carry
no data whatever their size says, an unknown type carries as much as its size says, global PAX headers change nothing,
and the archive ends with two zero blocks or at the end of the stream.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from zlib import adler32

from compatbuild.errors import ImageError
from compatbuild.image.limits import Limits, OverLimitError

BLOCK = 512
_ZEROS = bytes(BLOCK)

REGULAR, OLD_REGULAR, CONTIGUOUS = ord("0"), 0, ord("7")
HARD_LINK, SYMBOLIC_LINK = ord("1"), ord("2")
CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = ord("3"), ord("4"), ord("5"), ord("6")
GNU_SPARSE, GNU_LONG_NAME, GNU_LONG_LINK = ord("S"), ord("L"), ord("K")
PAX, PAX_SOLARIS, PAX_GLOBAL = ord("x"), ord("X"), ord("g")

_WITHOUT_DATA = frozenset((HARD_LINK, SYMBOLIC_LINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))
_EXTENSIONS = frozenset((GNU_LONG_NAME, GNU_LONG_LINK, PAX, PAX_SOLARIS, PAX_GLOBAL))
_PLAIN_FILES = frozenset((REGULAR, OLD_REGULAR, CONTIGUOUS))

_MODES = 4_096
"""Most mode fields whose meaning is remembered."""


class Member(NamedTuple):
    """One member: ``name`` and ``link`` as written, ``flag`` its type, ``size`` that of the file it describes.

    ``stored`` counts the bytes that lie in the archive; it differs from ``size`` only in a sparse file.
    """

    name: bytes
    flag: int
    size: int
    mode: int
    link: bytes
    stored: int

    @property
    def sparse(self) -> bool:
        """Whether the stored bytes are a map and pieces rather than the content."""
        return self.flag == GNU_SPARSE or self.stored != self.size


class TarReader:
    """The members of an archive that arrives in pieces.

    Iterate over members; before going on to the next, ``starts_with``, ``read`` and ``payload`` give the current
    member's content. ``seek``, where the pieces come from a file, moves that file forward by so many bytes, so that
    payloads need not be read to be skipped. Raises ImageError (its ``what`` is a cause) on anything that is not tar.
    """

    def __init__(self, pieces: Iterator[bytes], limits: Limits, seek: Callable[[int], object] | None = None) -> None:
        self._pieces = pieces
        self._limits = limits
        self._seek = seek
        self._piece = b""
        self._at = 0  # within the piece
        self._before = 0  # bytes of the stream before the piece
        self._left = 0  # of the current member's payload
        self._pad = 0  # after it
        self._modes: dict[bytes, int] = {}
        self._records = 0
        self._pax: dict[bytes, bytes] = {}  # of the next member; GNU long names as their PAX equivalents

    @property
    def offset(self) -> int:
        """Return the position in the stream: of the current member's payload, until some of it is read."""
        return self._before + self._at

    def __iter__(self) -> Iterator[Member]:
        extensions = 0
        while header := self._next_header():
            flag = header[156]
            if flag in _EXTENSIONS:
                extensions += 1
                if extensions > self._limits.extensions:
                    raise OverLimitError(
                        "extensions", f"a tar member has more than {self._limits.extensions} extension headers"
                    )
                self._extension(flag, _number(header[124:136]))
                continue
            extensions = 0
            yield self._member(header, flag)

    def _next_header(self) -> bytes:
        """Return the next header block, nothing at the end of the archive."""
        if self._left or self._pad:
            self._skip(self._left + self._pad)
            self._left = self._pad = 0
        start = self._at
        header = self._piece[start : start + BLOCK]
        if len(header) == BLOCK:
            self._at = start + BLOCK
        else:
            header = self._take(BLOCK)
            if not header:
                return b""
        # The low half of Adler-32 is one more than the byte sum, modulo 65521: the checksum in two calls to C.
        field = header[148:156]
        digits = field.rstrip(b" \0")
        if digits.isdigit():
            found = (adler32(header) & 0xFFFF) - (adler32(field) & 0xFFFF) + 8 * 0x20
            if not (found - _octal(digits)) % 65521:
                return header
        return self._odd_header(header)

    def _odd_header(self, header: bytes) -> bytes:
        """Return a header that the fast check refused, if it is one after all; nothing for the end of the archive."""
        if header == _ZEROS:
            following = self._take(BLOCK)
            if following.strip(b"\0"):
                raise ImageError("it goes on after the zero block that ends a tar archive")
            return b""
        if self.offset == BLOCK and header[148:156].strip(b" \0").lstrip(b"01234567"):
            raise ImageError("it is not a tar archive: its first header has no checksum")
        stored = _number(header[148:156])
        body = header[:148] + b" " * 8 + header[156:]
        if stored not in (sum(body), sum(b - 256 if b > 127 else b for b in body)):  # old writers summed signed bytes
            where = "it is not a tar archive" if self.offset == BLOCK else f"the tar header at {self.offset - BLOCK:,}"
            raise ImageError(f"{where}: wrong checksum")
        return header

    def _member(self, header: bytes, flag: int) -> Member:
        """Parse a header whose checksum holds, and apply the extensions that came before it."""
        name = header[:100].partition(b"\0")[0]
        if header[345] and header[257:263] == b"ustar\0":  # GNU headers keep times where ustar keeps a prefix
            name = header[345:500].partition(b"\0")[0] + b"/" + name
        digits = header[124:135]
        size = stored = _octal(digits) if digits.isdigit() and not header[135] else _number(header[124:136])
        field = header[100:108]
        mode = self._modes.get(field)
        if mode is None:
            mode = self._new_mode(field)
        link = header[157:257].partition(b"\0")[0] if header[157] else b""
        if self._pax:
            name, link, size, stored = self._extended(name, link, size)
        if flag == OLD_REGULAR and name.endswith(b"/"):
            flag = DIRECTORY
        if flag in _WITHOUT_DATA:
            size = stored = 0
        elif flag == GNU_SPARSE:
            size = _number(header[483:495])
            self._skip_sparse_map(header)
        self._left = stored
        self._pad = -stored % BLOCK
        return Member(name, flag, size, mode, link, stored)

    def _new_mode(self, field: bytes) -> int:
        """Parse a mode, and remember it: an archive has a handful of them."""
        mode = _number(field)
        if len(self._modes) < _MODES:
            self._modes[field] = mode
        return mode

    def _extended(self, name: bytes, link: bytes, size: int) -> tuple[bytes, bytes, int, int]:
        """Apply PAX records: name, link, size of the file, bytes stored."""
        pax, self._pax = self._pax, {}
        stored = _decimal(pax[b"size"]) if b"size" in pax else size
        real = pax.get(b"GNU.sparse.realsize", pax.get(b"GNU.sparse.size"))
        name = pax.get(b"GNU.sparse.name") or pax.get(b"path") or name
        return name, pax.get(b"linkpath") or link, stored if real is None else _decimal(real), stored

    def _extension(self, flag: int, size: int) -> None:
        """Read an extension header's payload, for the next member."""
        if size > self._limits.extended_header:
            raise OverLimitError("extended_header", f"a tar extension header of {size:,} bytes is over the limit")
        payload = self._take(size + -size % BLOCK)[:size]
        if len(payload) < size:
            raise ImageError("it is cut off within a tar header")
        if flag == GNU_LONG_NAME:
            self._pax[b"path"] = payload.partition(b"\0")[0]
        elif flag == GNU_LONG_LINK:
            self._pax[b"linkpath"] = payload.partition(b"\0")[0]
        elif flag != PAX_GLOBAL:
            records, count = _pax_records(payload, self._limits)
            self._records += count
            if self._records > self._limits.records:
                raise OverLimitError("records", f"its PAX headers hold more than {self._limits.records:,} records")
            self._pax.update(records)

    def _skip_sparse_map(self, header: bytes) -> None:
        """Go past the blocks that continue an old GNU sparse map; the last of them says so at byte 504."""
        more, blocks = header[482], 0
        while more:
            block = self._take(BLOCK)
            blocks += 1
            if len(block) < BLOCK or blocks * BLOCK > self._limits.extended_header:
                raise ImageError("it holds a sparse file whose map does not end")
            more = block[504]

    def starts_with(self, magic: bytes) -> bool:
        """Say whether the unread payload begins with some bytes; nothing is consumed."""
        if self._left < len(magic):
            return False
        while len(self._piece) - self._at < len(magic):
            if not self._refill(keep=True):
                return False
        return self._piece.startswith(magic, self._at)

    def read(self, size: int) -> bytes:
        """Return the next bytes of the payload, fewer than ``size`` only at its end."""
        return b"".join(self.payload(size))

    def payload(self, size: int = -1) -> Iterator[memoryview]:
        """Yield the unread payload in pieces, at most ``size`` bytes of it when that is not negative."""
        wanted = self._left if size < 0 else min(size, self._left)
        while wanted:
            if self._at >= len(self._piece) and not self._refill():
                raise ImageError("it is cut off within a file")
            piece = memoryview(self._piece)[self._at : self._at + wanted]
            self._at += len(piece)
            self._left -= len(piece)
            wanted -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read what follows the end of the archive, so that whoever digests the stream sees all of it."""
        for _ in self._pieces:
            pass

    def _refill(self, *, keep: bool = False) -> bool:
        """Get the next piece; with ``keep``, behind what is left of this one. False at the end of the stream."""
        piece = next(self._pieces, b"")
        if not piece:
            return False
        self._before += self._at
        self._piece = self._piece[self._at :] + piece if keep else piece
        self._at = 0
        return True

    def _take(self, count: int) -> bytes:
        """Return the next bytes of the stream, nothing at its end."""
        parts = []
        while (inside := len(self._piece) - self._at) < count:
            parts.append(self._piece[self._at :])
            count -= inside
            self._at += inside
            if not self._refill():
                if any(parts):
                    raise ImageError("it is cut off within a tar header")
                return b""
        parts.append(self._piece[self._at : self._at + count])
        self._at += count
        return b"".join(parts)

    def _skip(self, count: int) -> None:
        """Go forward, by seeking where that is possible."""
        inside = len(self._piece) - self._at
        if count <= inside:
            self._at += count
            return
        if self._seek is not None:
            self._seek(count - inside)
            self._before += len(self._piece) + count - inside
            self._piece, self._at = b"", 0
            return
        while count > inside:
            count -= inside
            self._at = len(self._piece)
            if not self._refill():
                raise ImageError("it is cut off within a file")
            inside = len(self._piece)
        self._at += count


def _octal(digits: bytes) -> int:
    try:
        return int(digits, 8)
    except ValueError:
        raise ImageError(f"a tar header holds {digits!r} where an octal number belongs") from None


def _number(field: bytes) -> int:
    """Parse a numeric field leniently: octal with blanks, empty for 0, or GNU's base-256."""
    if field[:1] >= b"\x80":
        value = int.from_bytes(field, "big") - (1 << (8 * len(field) - 1))
        if value < 0 or field[0] == 0xFF:
            raise ImageError("a tar header holds a negative number")
        return value
    digits = field.strip(b" \0")
    if digits and not digits.isdigit():
        raise ImageError(f"a tar header holds {digits!r} where an octal number belongs")
    return _octal(digits) if digits else 0


def _decimal(text: bytes) -> int:
    """Parse a PAX number; one past 2^63 cannot be a size and would be slow to convert."""
    if not text.isdigit() or len(text) > 19:
        raise ImageError("a PAX header holds a size that is not a number")
    return int(text)


def _pax_records(payload: bytes, limits: Limits) -> tuple[dict[bytes, bytes], int]:
    r"""Parse PAX records, ``LENGTH KEY=VALUE\n`` each, where LENGTH counts the whole record, and count them.

    A key may come again, and the last one counts: it is records that are limited, not keys.
    """
    records: dict[bytes, bytes] = {}
    at = count = 0
    while at < len(payload):
        count += 1
        if count > limits.member_records:
            what = f"a PAX header holds more than {limits.member_records:,} records"
            raise OverLimitError("member_records", what)
        space = payload.find(b" ", at, at + 20)
        digits = payload[at:space] if space > at else b""
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = payload[space + 1 : end - 1].partition(b"=")
        if end <= space or end > len(payload) or payload[end - 1 : end] != b"\n" or not equals or not key:
            raise ImageError("a PAX header is malformed")
        if key in (b"path", b"linkpath", b"GNU.sparse.name") and b"\0" in value:
            raise ImageError("a PAX header holds a name with a zero byte")
        records[key] = value
        at = end
    return records, count
