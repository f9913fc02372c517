"""Blobs on their way into a repository: mounted, from memory in one piece, or from a stream in chunks.

Protocol: OCI distribution-spec v1.1, "Pushing blobs" and "Mounting a blob from another repository". An upload goes to
the registry's own origin and nowhere else, and what is streamed is hashed on the way: the last piece is not sent unless
everything before it and the piece itself are what the digest says.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol
from urllib.parse import urlencode, urljoin

from compatbuild.errors import AuthenticationError, RegistryError
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.digest import ContentError, is_digest
from compatbuild.registry.retry import TransientError, retrying
from compatbuild.registry.trust import check_stays

if TYPE_CHECKING:
    import requests

    from compatbuild.registry.client import RegistryClient

CHUNK = 8 << 20
"""Bytes of a blob held in memory at a time; one of at most so many is sent in one piece."""
MAX_CHUNK = 64 << 20
"""Bytes of a chunk that a registry may ask for at least (``OCI-Chunk-Min-Length``)."""
LIKELY_THERE = 2
"""Bytes of a blob that is likely to be there already: ``{}``, the config of all artifacts."""
SMALL = 1 << 16
"""Bytes of a blob that is sent without asking whether it is there."""
STREAM_TRIES = 3
"""How often a stream is begun anew after a registry lost the upload."""
MAX_LOSSES = 2
"""Uploads lost between chunks after which a registry is taken not to know chunks, and gets blobs in one piece."""
NO_CHUNKS = frozenset({400, 404, 405, 411, 413, 415, 416, 501})
"""Answers to a first chunk of a registry that may still take the blob in one piece."""
OCTETS = {"Content-Type": "application/octet-stream"}
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,19})")

Open = Callable[[], BinaryIO]


class Session(NamedTuple):
    """An upload that was begun: where it goes, and the bytes of one chunk."""

    location: str
    chunk: int


class Expect(Protocol):
    """``RegistryRepository``'s way of telling an answer that was not expected."""

    def __call__(self, response: "requests.Response", action: str, *statuses: int) -> "requests.Response":
        """Return the response if it has one of the statuses; else raise."""


class Uploads:
    """The uploads of one repository; ``base`` is its address, ``/v2/`` included."""

    def __init__(self, client: "RegistryClient", base: str, name: str, expect: Expect) -> None:
        self._client = client
        self._base = base
        self._name = name
        self._expect = expect
        self._there: set[str] = set()
        self._losses = 0

    def push(self, raw: bytes, digest: str) -> None:
        """Upload a blob unless the repository has it; a broken upload is started anew, from the first request on.

        A small one that is probably new is not asked for: asking would take longer than sending it.
        """
        if digest in self._there:
            return
        url = f"{self._base}/blobs/{digest}"
        asked = not LIKELY_THERE < len(raw) <= SMALL
        if not asked or self._client.do_request(url, "HEAD").status_code != HTTPStatus.OK:
            retrying(lambda: self._push(raw, digest))
        self._there.add(digest)

    def mount(self, digest: str, source: str) -> bool:
        """Take a blob over from another repository of the same registry; False where the registry does not do that."""
        url = f"{self._base}/blobs/uploads/?{urlencode({'mount': digest, 'from': source})}"
        try:
            answer = self._client.do_request(url, "POST")
        except AuthenticationError:
            return False  # pulling from there and mounting from there need not be the same right
        if answer.status_code == HTTPStatus.CREATED:
            check_stated(answer, digest)
        elif answer.status_code == HTTPStatus.ACCEPTED:
            self._abandon(self._location(answer))
        return answer.status_code == HTTPStatus.CREATED

    def stream(self, opened: Open, descriptor: Descriptor) -> None:
        """Upload a blob of any size that is read once a try; ContentError when it is not what the descriptor says."""
        retrying(lambda: self._stream(opened, descriptor), STREAM_TRIES)

    def _push(self, raw: bytes, digest: str) -> None:
        self._finish(self._begin().location, digest, raw)

    def _begin(self) -> Session:
        started = self._client.attempt("POST", f"{self._base}/blobs/uploads/")
        self._expect(started, "start an upload", 202)
        least = started.headers.get("OCI-Chunk-Min-Length", "")
        chunk = max(CHUNK, int(least)) if least.isascii() and least.isdigit() and len(least) < 12 else CHUNK
        return Session(self._location(started), min(chunk, MAX_CHUNK))

    def _finish(self, location: str, digest: str, data: "bytes | Checked") -> None:
        url = location + ("&" if "?" in location else "?") + urlencode({"digest": digest})
        done = self._client.attempt("PUT", url, data, OCTETS)
        if done.status_code in {404, 416}:
            raise TransientError(f"{self._name} lost an upload", why=f"it answered {done.status_code}")
        self._expect(done, f"upload {digest}", 201, 204)
        check_stated(done, digest)

    def _stream(self, opened: Open, descriptor: Descriptor) -> None:
        with opened() as file:
            checked = Checked(file, descriptor)
            if descriptor.size <= CHUNK:
                content = checked.read(descriptor.size)
                self._finish(self._begin().location, descriptor.digest, content)
                return
            if self._losses >= MAX_LOSSES:
                self._finish(self._begin().location, descriptor.digest, checked)
                return
            session = self._begin()
            try:
                if self._chunks(checked, session, descriptor.digest):
                    return
            except ContentError:
                self._abandon(session.location)
                raise
        with opened() as file:
            self._finish(self._begin().location, descriptor.digest, Checked(file, descriptor))

    def _chunks(self, checked: "Checked", session: Session, digest: str) -> bool:
        """Send a blob in chunks; False when the registry does not take the first one."""
        position, location = 0, session.location
        while chunk := checked.read(session.chunk):
            answer = self._chunk(location, chunk, position)
            if position == 0 and answer.status_code in NO_CHUNKS:
                self._losses = MAX_LOSSES
                return False
            if answer.status_code in {404, 416}:
                self._losses += 1
                raise TransientError(f"{self._name} lost an upload", why=f"it answered {answer.status_code}")
            self._expect(answer, f"upload {digest}", 202, 201, 204)
            location = self._location(answer) if answer.headers.get("Location") else location
            position += len(chunk)
        self._finish(location, digest, b"")
        return True

    def _chunk(self, location: str, chunk: bytes, position: int) -> "requests.Response":
        """Send one chunk; after a break it is sent again only if nothing of it arrived."""
        headers = OCTETS | {"Content-Range": f"{position}-{position + len(chunk) - 1}"}

        def send() -> "requests.Response":
            try:
                return self._client.attempt("PATCH", location, chunk, headers)
            except TransientError:
                status = self._client.attempt("GET", location)
                there = _RANGE.fullmatch(status.headers.get("Range", ""))
                arrived = int(there[1]) + 1 if there else 0
                if arrived == position + len(chunk):
                    return status
                if arrived not in {position, int(position == 0)}:  # an empty upload is "0-0" as well as nothing
                    why = f"it has {arrived} bytes of it"
                    raise TransientError(f"{self._name} lost part of an upload", why=why) from None
                raise

        return retrying(send)

    def _location(self, response: "requests.Response") -> str:
        location = response.headers.get("Location")
        if not location:
            raise RegistryError(f"{self._name} cannot take an upload", why="it does not say where to send it")
        url: str = urljoin(response.url, location)
        check_stays(self._client.origin, url, self._name, "for an upload")
        return url

    def _abandon(self, location: str) -> None:
        """Tell the registry that an upload ends here; what it does not hear, it forgets by itself."""
        with suppress(RegistryError):
            self._client.attempt("DELETE", location)


class Checked:
    """A blob that can be read once, and whose last bytes are given out only when size and digest are right.

    Its length and its being iterable are what ``requests`` wants of a body that it sends piece by piece.
    """

    def __init__(self, file: BinaryIO, descriptor: Descriptor) -> None:
        self._file = file
        self._descriptor = descriptor
        self._hash = hashlib.new(descriptor.digest.partition(":")[0])
        self._position = 0

    def __len__(self) -> int:
        return self._descriptor.size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(CHUNK):
            yield piece

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer at the end and none behind it; ContentError when they are not the blob's."""
        piece = self._file.read(size)
        self._position += len(piece)
        self._hash.update(piece)
        if len(piece) < size or self._position >= self._descriptor.size:
            self._check_end()
        return piece

    def _check_end(self) -> None:
        digest, expected = self._descriptor.digest, self._descriptor.size
        if self._position != expected or self._file.read(1):
            found = "more" if self._position >= expected else str(self._position)
            raise ContentError(f"{digest} has another size", why=f"{found} bytes, not {expected}")
        found = f"{digest.partition(':')[0]}:{self._hash.hexdigest()}"
        if not hmac.compare_digest(found, digest):
            raise ContentError(
                f"{digest} is not what its digest says",
                why=f"its content has {found}",
                remedy="it was altered or damaged on the way: do not use it, and tell whoever runs the store",
            )


def check_stated(response: "requests.Response", digest: str) -> None:
    """Raise ContentError when a registry says that it took something else than what was sent."""
    stated = response.headers.get("Docker-Content-Digest", "")
    if is_digest(stated) and stated.partition(":")[0] == digest.partition(":")[0] and stated != digest:
        raise ContentError(
            "the registry contradicts itself about a digest",
            why=f"the content has {digest}, the header says {stated}",
            remedy="do not use it; ask whoever runs the registry",
        )
