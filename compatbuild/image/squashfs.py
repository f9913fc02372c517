"""A reader of squashfs 4.0 file systems: any part of hostile content, nothing extracted, nothing kept but few blocks.

Format: Linux ``fs/squashfs/squashfs_fs.h`` (little-endian, version 4.0), as ``mksquashfs`` writes it. A file system is
data blocks, fragment blocks that hold the ends of files, and tables of metadata blocks of 8 KiB: inodes, directories,
fragments. Ids, extended attributes and the export table are never read. Every ImageError's ``what`` is a cause.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from compatbuild.errors import ImageError
from compatbuild.image.limits import KIB, MIB
from compatbuild.image.random_access import Part, RandomAccess
from compatbuild.image.squashfs_codecs import Uncompress, codec

MAGIC = b"hsqs"
METADATA = 8 * KIB
"""Most bytes of a metadata block, decompressed (SQUASHFS_METADATA_SIZE)."""
BLOCKS = (4 * KIB, MIB)
"""Smallest and largest size of a data block (SQUASHFS_FILE_MAX_SIZE)."""
KEPT_METADATA = 128
"""Decompressed metadata blocks kept: 1 MiB, of two tables that are gone through side by side."""
KEPT_FRAGMENTS = 4
"""Decompressed fragment blocks kept: small files that follow each other share them."""
MAX_NAME = 256
MAX_TARGET = 64 * KIB
"""Bytes of a symbolic link; Linux takes a page."""
MAX_LISTING = 64 * MIB
"""Bytes of one directory: two million entries with names of usual length."""
MAX_HEADER_ENTRIES = 256
"""Entries behind one header of a directory (SQUASHFS_DIR_COUNT)."""

_SUPERBLOCK = struct.Struct("<4sIIIIHHHHHHQQQQQQQQ")
_INODE = struct.Struct("<HHHHII")  # type, mode, uid, gid, mtime, number
_NONE = 0xFFFFFFFF
_COMPRESSED_DATA = 1 << 24
_RAW_METADATA = 1 << 15
_LIST_AT_ONCE = 512
"""Sizes of data blocks read at once; a file of many terabytes has millions."""

DIRECTORY, FILE, SYMLINK, BLOCK_DEVICE, CHARACTER, FIFO, SOCKET = range(1, 8)


class Place(NamedTuple):
    """Where something stands in a table: the offset of its metadata block in the file system, and in that block."""

    block: int
    offset: int


class Inode(NamedTuple):
    """One inode: ``kind`` is that of its short form; ``start``, ``offset`` and ``fragment`` as the kind has them.

    ``rest`` is the place behind it, where a file has its list of blocks.
    """

    kind: int
    mode: int
    size: int = 0
    start: int = 0
    offset: int = 0
    fragment: int = _NONE
    target: bytes = b""
    rest: Place = Place(0, 0)


class Named(NamedTuple):
    """An entry of a directory; ``place`` is its inode's."""

    name: bytes
    place: Place


@dataclass(frozen=True)
class Superblock:
    """What a file system says of itself, checked to be possible."""

    block_size: int
    block_log: int
    fragments: int
    compressor: int
    root: int
    used: int
    inodes: int
    directories: int
    fragment_table: int


def superblock(data: RandomAccess) -> Superblock:
    """Read the superblock; ImageError when there is none, or one that Linux would not mount either."""
    if data.size < _SUPERBLOCK.size:
        raise ImageError("it is shorter than a squashfs file system")
    values = _SUPERBLOCK.unpack(data.read_at(0, _SUPERBLOCK.size))
    magic, _, _, block_size, fragments, compressor, block_log, _, _, major, minor, root, used = values[:13]
    _, _, inodes, directories, fragment_table, _ = values[13:]
    if magic != MAGIC:
        raise ImageError(f"it begins with {magic!r}, and squashfs with {MAGIC!r}")
    if (major, minor) != (4, 0):
        raise ImageError(f"it is squashfs {major}.{minor}, and 4.0 is read")
    if not BLOCKS[0] <= block_size <= BLOCKS[1] or block_size != 1 << min(block_log, 63):
        raise ImageError(f"its blocks of {block_size:,} bytes are none of squashfs")
    if not _SUPERBLOCK.size <= used <= data.size:
        raise ImageError(f"it says that it has {used:,} bytes, and {data.size:,} are there")
    if max(inodes, directories) >= used or (fragments and fragment_table >= used):
        raise ImageError("a table of it lies outside of it")
    return Superblock(block_size, block_log, fragments, compressor, root, used, inodes, directories, fragment_table)


class Squashfs:
    """An open file system; not to be used by several threads at once.

    ``tick`` is told of stored bytes that were read. Errors: ImageError for anything that is not as the format says,
    SourceError when its compressor needs a package that is missing.
    """

    def __init__(self, data: RandomAccess, tick: Callable[[int], None] = lambda _: None) -> None:
        self.head = superblock(data)
        self._data = Part(data, 0, self.head.used)
        self._uncompress: Uncompress = codec(self.head.compressor)
        self._metadata: OrderedDict[int, tuple[bytes, int]] = OrderedDict()
        self._fragments: OrderedDict[int, bytes] = OrderedDict()
        self.tick = tick
        self.read = 0
        """Stored bytes read so far."""

    @property
    def root(self) -> Place:
        """Where the inode of the root directory is."""
        return self._inode_place(self.head.root >> 16, self.head.root & 0xFFFF)

    def inode(self, place: Place) -> Inode:
        """Read one inode."""
        cursor = _Cursor(self, place)
        kind, mode, *_ = _INODE.unpack(cursor.take(_INODE.size))
        match kind:
            case 1:
                start, _, size, offset, _ = cursor.unpack("<IIHHI")
                return Inode(DIRECTORY, mode, size, start, offset)
            case 8:
                _, size, start, _, _, offset, _ = cursor.unpack("<IIIIHHI")
                return Inode(DIRECTORY, mode, size, start, offset)
            case 2:
                start, fragment, offset, size = cursor.unpack("<IIII")
            case 9:
                start, size, _, _, fragment, offset, _ = cursor.unpack("<QQQIIII")
            case 3 | 10:
                _, size = cursor.unpack("<II")
                if size > MAX_TARGET:
                    raise ImageError(f"a symbolic link of it has {size:,} bytes")
                return Inode(SYMLINK, mode, target=cursor.take(size))
            case 4 | 5 | 6 | 7 | 11 | 12 | 13 | 14:
                return Inode(kind if kind < 8 else kind - 7, mode)
            case _:
                raise ImageError(f"an inode of it is of type {kind}, which squashfs does not know")
        return Inode(FILE, mode, size, start, offset, fragment, rest=cursor.place)

    def entries(self, directory: Inode) -> Iterator[Named]:
        """Yield what a directory holds, in the order in which it is stored: by name."""
        left = directory.size - 3  # Linux counts "." and ".." with three bytes
        if left > MAX_LISTING:
            raise ImageError(f"a directory of it has {left:,} bytes of names")
        cursor = _Cursor(self, Place(self.head.directories + directory.start, directory.offset))
        while left > 0:
            count, start, _ = cursor.unpack("<III")
            if count >= MAX_HEADER_ENTRIES:
                raise ImageError(f"a directory of it has a header for {count + 1:,} entries")
            left -= 12
            for _ in range(count + 1):
                offset, _, _, size = cursor.unpack("<HhHH")
                if size >= MAX_NAME:
                    raise ImageError(f"a name in it has {size + 1:,} bytes")
                name = cursor.take(size + 1)
                if b"/" in name or b"\0" in name or name in (b".", b".."):
                    raise ImageError(f"a name in it is {name[:40]!r}, which is none")
                left -= 8 + len(name)
                yield Named(name, self._inode_place(start, offset))

    def find(self, path: str) -> Inode | None:
        """Return the inode at an absolute path, following no symbolic link; None when there is none."""
        found = self.inode(self.root)
        for part in path.encode().split(b"/")[1:]:
            if found.kind != DIRECTORY:
                return None
            place = next((entry.place for entry in self.entries(found) if entry.name == part), None)
            if place is None:
                return None
            found = self.inode(place)
        return found

    def content(self, file: Inode) -> Iterator[bytes]:
        """Yield the content of a file block by block; holes are zeros."""
        block, at, left = self.head.block_size, file.start, file.size
        whole = file.size // block if file.fragment != _NONE else -(-file.size // block)
        for stored in self._stored_sizes(file, whole):
            expected = min(block, left)
            piece = self._data_block(at, stored) if stored else bytes(expected)
            if len(piece) != expected:
                raise ImageError(f"a block of a file has {len(piece):,} bytes where {expected:,} belong")
            at += stored & ~_COMPRESSED_DATA
            left -= expected
            yield piece
        if left:
            tail = self._fragment(file.fragment)[file.offset : file.offset + left]
            if len(tail) != left:
                raise ImageError("the end of a file lies outside of its fragment")
            yield tail

    def read_file(self, file: Inode, limit: int) -> bytes:
        """Return the first ``limit`` bytes of a file."""
        content = bytearray()
        for piece in self.content(file):
            content += piece[: limit - len(content)]
            if len(content) >= limit:
                break
        return bytes(content)

    def metadata(self, at: int) -> tuple[bytes, int]:
        """Return the metadata block at an offset, and the offset of the one behind it."""
        if (kept := self._metadata.get(at)) is not None:
            self._metadata.move_to_end(at)
            return kept
        header = int.from_bytes(self._read(at, 2), "little")
        size = header & (_RAW_METADATA - 1)
        if not 0 < size <= METADATA:
            raise ImageError(f"a metadata block of it has {size:,} bytes")
        stored = self._read(at + 2, size)
        content = stored if header & _RAW_METADATA else self._uncompress(stored, METADATA)
        self._metadata[at] = content, at + 2 + size
        if len(self._metadata) > KEPT_METADATA:
            self._metadata.popitem(last=False)
        return content, at + 2 + size

    def _inode_place(self, block: int, offset: int) -> Place:
        return Place(self.head.inodes + block, offset)

    def _stored_sizes(self, file: Inode, count: int) -> Iterator[int]:
        """Yield the stored size of each data block of a file, 0 for a hole, with the flag of what is not compressed."""
        cursor = _Cursor(self, file.rest)
        while count > 0:
            some = min(count, _LIST_AT_ONCE)
            yield from cursor.unpack(f"<{some}I")
            count -= some

    def _data_block(self, at: int, stored: int) -> bytes:
        size = stored & ~_COMPRESSED_DATA
        if not 0 < size <= self.head.block_size:
            raise ImageError(f"a data block of it has {size:,} bytes")
        raw = self._read(at, size)
        return raw if stored & _COMPRESSED_DATA else self._uncompress(raw, self.head.block_size)

    def _fragment(self, number: int) -> bytes:
        """Return a fragment block; its place is looked up in the table: 16 bytes each, 512 in a metadata block."""
        if (kept := self._fragments.get(number)) is not None:
            self._fragments.move_to_end(number)
            return kept
        if number >= self.head.fragments:
            raise ImageError(f"a file ends in fragment {number:,} of {self.head.fragments:,}")
        index = self._read(self.head.fragment_table + 8 * (number // 512), 8)
        cursor = _Cursor(self, Place(int.from_bytes(index, "little"), 16 * (number % 512)))
        at, stored, _ = cursor.unpack("<QII")
        content = self._data_block(at, stored)
        self._fragments[number] = content
        if len(self._fragments) > KEPT_FRAGMENTS:
            self._fragments.popitem(last=False)
        return content

    def _read(self, at: int, count: int) -> bytes:
        self.tick(count)
        self.read += count
        return self._data.read_at(at, count)


class _Cursor:
    """Reads on from a place in a table, from one metadata block into the next."""

    def __init__(self, owner: Squashfs, place: Place) -> None:
        self._owner = owner
        self._block, self._at = place
        self._content, self._next = owner.metadata(place.block)
        if self._at > len(self._content):
            raise ImageError(f"it points at byte {self._at:,} of a metadata block of {len(self._content):,}")

    @property
    def place(self) -> Place:
        """Where the next bytes are."""
        return Place(self._block, self._at)

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        taken = self._content[self._at : self._at + count]
        self._at += len(taken)
        while len(taken) < count:
            self._block = self._next
            self._content, self._next = self._owner.metadata(self._block)
            more = self._content[: count - len(taken)]
            self._at = len(more)
            taken += more
        return taken

    def unpack(self, form: str) -> tuple[int, ...]:
        """Return the next numbers."""
        return struct.unpack(form, self.take(struct.calcsize(form)))
