"""RPM databases in rpm's own format NDB, which SUSE and openSUSE use: ``Packages.db``.

A file of blocks of 16 bytes, all numbers little-endian (rpm, ``lib/backend/ndb/rpmpkg.c``): a header of two blocks,
then slots of a block each up to a number of pages, then the blobs that the slots point at, each with head and tail.
"""

import struct
from collections.abc import Iterator

from compatbuild.image.pkg_rpm_database import MAX_HEADER, UnreadableError

PAGE = 4096
BLOCK = 16
_HEADER = struct.Struct("<4sIIII")  # magic, version, generation, pages of slots, next package number
_SLOT = struct.Struct("<4sIII")  # magic, package number, first block, blocks
_HEAD = struct.Struct("<4sIII")  # magic, package number, generation, bytes
_TAIL = struct.Struct("<III")  # checksum (which rpm does not compare when it reads), bytes, magic
_TAIL_MAGIC = int.from_bytes(b"BlbE", "little")


def headers(content: bytes) -> Iterator[bytes]:
    """Yield the headers of a database, in the order of its slots.

    UnreadableError when it is none, is cut short, or when blobs are damaged; the sound ones have been yielded by then.
    """
    damaged, left = 0, len(content)
    for number, block, blocks in _slots(content):
        blob = _blob(content, number, block, blocks)
        if blob is None:
            damaged += 1
            continue
        left -= len(blob)
        if left < 0:
            raise UnreadableError("its packages overlap")
        yield blob
    if damaged:
        raise UnreadableError(f"{damaged:,} of its packages are damaged")


def _slots(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield package number, first block and number of blocks of each slot in use."""
    if len(content) < _HEADER.size:
        raise UnreadableError("it is cut short")
    magic, version, _, pages, _ = _HEADER.unpack_from(content)
    if magic != b"RpmP" or version != 0:
        raise UnreadableError("it is no NDB database of a known version")
    if pages * PAGE > len(content):
        raise UnreadableError("it is cut short")
    for slot, number, block, blocks in _SLOT.iter_unpack(content[2 * BLOCK : pages * PAGE]):
        if slot != b"Slot":
            raise UnreadableError("its table of packages is damaged")
        if block:
            yield number, block, blocks


def _blob(content: bytes, number: int, block: int, blocks: int) -> bytes | None:
    """Return the blob of a slot, None when head, tail and slot do not agree."""
    start, end = block * BLOCK, (block + blocks) * BLOCK
    if end > len(content) or end - start < _HEAD.size + _TAIL.size:
        return None
    magic, owner, _, size = _HEAD.unpack_from(content, start)
    _, again, closing = _TAIL.unpack_from(content, end - _TAIL.size)
    fits = size == again and start + _HEAD.size + size + _TAIL.size <= end
    if (magic, owner, closing) != (b"BlbS", number, _TAIL_MAGIC) or not fits or size > MAX_HEADER:
        return None
    return content[start + _HEAD.size : start + _HEAD.size + size]
