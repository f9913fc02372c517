"""Content digests: their form, and computing them beside the reading."""

import hashlib
import hmac
import re
from concurrent.futures import Future, ThreadPoolExecutor

from compatbuild.errors import ImageError

DIGEST = re.compile(r"(sha256):[0-9a-f]{64}|(sha512):[0-9a-f]{128}")
"""The registered algorithms of the OCI image specification (``descriptor.md``), lower case and full length only."""
SHA256 = "sha256"
"""The algorithm of a digest that is found out, and not compared: docker knows no other for diff IDs."""
HASH_BESIDE = 64 * 1024
"""Pieces of at least so many bytes are hashed in another thread; for smaller ones the hand-over costs more."""


class Hashing:
    """A digest computed beside the reading, at most one piece behind it.

    ``digest`` is what is expected, or SHA256 where nothing is and ``found`` is asked for. ``same`` stands in where two
    digests of the same bytes are wanted. An empty digest is not computed at all.
    """

    def __init__(self, digest: str, pool: ThreadPoolExecutor, same: "Hashing | None" = None) -> None:
        self._digest = digest
        self._pool = pool
        self._same = same
        self._hash = hashlib.new(_algorithm(digest)) if digest and same is None else None
        self._pending: Future[None] | None = None

    def update(self, piece: bytes) -> None:
        """Take in a piece; hashlib lets other threads run meanwhile."""
        if self._hash is None:
            return
        self._wait()
        if len(piece) < HASH_BESIDE:
            self._hash.update(piece)
        else:
            self._pending = self._pool.submit(self._hash.update, piece)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def found(self) -> str:
        """Return the digest of all that was taken in, empty where none is computed."""
        if self._hash is None:
            return ""
        self._wait()
        return f"{self._hash.name}:{self._hash.hexdigest()}"

    def check(self, complaint: str) -> None:
        """Raise ImageError unless all that was taken in has the digest."""
        if self._same is not None:
            self._same.check(complaint)
        elif self._hash is not None:
            found = self.found()
            if not hmac.compare_digest(found, self._digest):
                raise ImageError(complaint, why=f"{self._digest} was named, {found} found")


def _algorithm(digest: str) -> str:
    if digest == SHA256:
        return digest
    match = DIGEST.fullmatch(digest)
    if match is None:
        raise ImageError(f"{digest[:80]!r} is not a sha256 or sha512 digest")
    return match[1] or match[2]
