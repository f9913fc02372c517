"""A blob of a store that is read here and there, by ranges, and is checked as a whole all the same.

A file system in a blob has its tables at its end and its files in no order of ours, so that one pass from front to
back cannot read it, and holding or unpacking it is what this tool never does. Instead each part that is fetched leaves
its digest. Then the whole blob is read once, from front to back: its digest must be the one that the manifest names,
and every part's digest must be the same as before. Parts fetched later must agree with what was read then.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable

from compatbuild.errors import ImageError
from compatbuild.image.limits import DEFAULT, MIB
from compatbuild.registry.descriptor import Descriptor
from compatbuild.sources.image_source import Content

PART = MIB
"""Bytes of a part: few enough to waste little, enough that a large image takes hundreds of requests, not thousands."""
KEPT = 16
"""Parts kept in memory."""


class StoredBlob:
    """The content of a blob; safe to share between threads that read the same blob one after the other."""

    def __init__(self, content: Content, descriptor: Descriptor) -> None:
        if descriptor.size > DEFAULT.layer_bytes:
            raise ImageError(
                f"{descriptor.digest} is too large",
                why=f"{descriptor.size:,} bytes, and at most {DEFAULT.layer_bytes:,} are read",
                remedy="check what the image holds",
            )
        self._content = content
        self._descriptor = descriptor
        self._digests: dict[int, bytes] = {}
        self._parts: OrderedDict[int, bytes] = OrderedDict()
        self.size = descriptor.size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly so many bytes."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise ImageError(f"it points at bytes {offset:,} to {offset + count:,} of {self.size:,}")
        first, last = offset // PART, (offset + count - 1) // PART
        pieces = b"".join(self._part(number) for number in range(first, last + 1))
        start = offset - first * PART
        return pieces[start : start + count]

    def check(self, tick: Callable[[int], None]) -> None:
        """Read all of it once; ImageError when it is not what the manifest names, or not what was read before."""
        algorithm, _, digits = self._descriptor.digest.partition(":")
        whole, number, part = hashlib.new(algorithm), 0, bytearray()
        with self._content.open_blob(self._descriptor) as stream:
            while piece := stream.read(PART):
                tick(len(piece))
                whole.update(piece)
                part += piece
                while len(part) >= PART:
                    self._compare(number, bytes(part[:PART]))
                    del part[:PART]
                    number += 1
        if part:
            self._compare(number, bytes(part))
        if not hmac.compare_digest(whole.hexdigest(), digits):
            raise ImageError(
                f"{self._descriptor.digest} is not what its digest says",
                why=f"{algorithm}:{whole.hexdigest()} was found",
                remedy="push the image again; if it stays so, somebody changed it on the way",
            )

    def _part(self, number: int) -> bytes:
        if (kept := self._parts.get(number)) is not None:
            self._parts.move_to_end(number)
            return kept
        at = number * PART
        part = self._content.blob_part(self._descriptor, at, min(PART, self.size - at))
        self._compare(number, part)
        self._parts[number] = part
        if len(self._parts) > KEPT:
            self._parts.popitem(last=False)
        return part

    def _compare(self, number: int, part: bytes) -> None:
        digest = hashlib.sha256(part).digest()
        if self._digests.setdefault(number, digest) != digest:
            raise ImageError(
                f"{self._descriptor.digest} is not the same each time it is read",
                why=f"its bytes from {number * PART:,} on differ",
                remedy="do not use it: ask whoever runs the registry",
            )
