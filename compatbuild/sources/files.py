"""Manifests and blobs that lie in files: parts of an archive, or files of a directory."""

import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from compatbuild.errors import ImageError
from compatbuild.image.decompress import Readable
from compatbuild.registry.descriptor import MAX_INDEX, Descriptor, ManifestBytes, describe, media_type_of
from compatbuild.registry.digest import check_digest, exactly


class Slice(io.RawIOBase):
    """Part of an open file, read at its own position, so that several are read at once."""

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._offset = offset
        self._left = size
        self.size = size

    def readable(self) -> bool:
        """Return True: it is made for nothing else."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, nothing at the end of the part or of the file."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = os.pread(self._descriptor, wanted, self._offset)
        self._offset += len(data)
        self._left -= len(data)
        return data

    def part(self, offset: int, count: int) -> bytes:
        """Return up to so many bytes from an offset in the part; where it is read on from stays."""
        return os.pread(self._descriptor, max(0, min(count, self._left - offset)), self._offset + offset)


class OwnedSlice(Slice):
    """A whole file, closed with its reader."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, 0, os.fstat(descriptor).st_size)

    def close(self) -> None:
        """Close the file too."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def read_all(part: Slice, limit: int, what: str) -> bytes:
    """Return what is in a part of at most ``limit`` bytes; ImageError for a larger one or a truncated file."""
    with part:
        if part.size > limit:
            raise ImageError(f"{what} is too large", why=f"{part.size:,} bytes, at most {limit:,} are read")
        size, pieces = part.size, []
        while piece := part.read(size):
            pieces.append(piece)
            size -= len(piece)
    if size:
        raise ImageError(f"{what} is cut off", why=f"{size:,} bytes are missing", remedy="write the archive again")
    return b"".join(pieces)


@dataclass(frozen=True)
class FileContent:
    """Content by digest; ``locate`` opens the part that has a digest, NotFoundError when there is none."""

    name: str
    locate: Callable[[str], Slice]
    locate_manifest: Callable[[str], Slice]

    def manifest(self, digest: str) -> ManifestBytes:
        """Return the manifest or index with a digest."""
        raw = read_all(self.locate_manifest(digest), MAX_INDEX, f"{digest} in {self.name}")
        check_digest(raw, digest, f"the manifest in {self.name}")
        return ManifestBytes(raw, describe(raw, media_type_of(raw)))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes, size and digest checked."""
        raw = read_all(self._sized(descriptor), limit, f"{descriptor.digest} in {self.name}")
        check_digest(raw, descriptor.digest, f"the blob in {self.name}")
        return raw

    def open_blob(self, descriptor: Descriptor) -> AbstractContextManager[Readable]:
        """Open a blob; its size is checked, the caller checks the digest."""
        return self._sized(descriptor)

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        """Return some bytes of a blob; the caller checks them."""
        with self._sized(descriptor) as part:
            return exactly(part.part(offset, count), count, f"{descriptor.digest} in {self.name}")

    def _sized(self, descriptor: Descriptor) -> Slice:
        part = self.locate(descriptor.digest)
        if part.size != descriptor.size:
            part.close()
            why = f"it has {part.size:,} bytes, its descriptor says {descriptor.size:,}"
            raise ImageError(f"{descriptor.digest} in {self.name} has another size", why=why, remedy="write it again")
        return part
