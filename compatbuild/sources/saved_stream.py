"""The archive that ``docker save`` makes, as a stream: read once from front to back, in whatever order its parts come.

Layers come before the manifest that names them, in an order of their own, under names that are no digests (moby
before 25) and compressed or not (containerd's store). So nothing in the archive is believed: every member that is a
layer is scanned and its content digested, and a layer of the image is the one whose content has the diff ID that the
daemon named; the config is the one whose bytes have the image's digest, or that of a manifest with that digest.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from compatbuild.cache import Cache
from compatbuild.errors import ImageError
from compatbuild.image import tar
from compatbuild.image.config import parse_config
from compatbuild.image.decompress import READ, Readable
from compatbuild.image.interests import Interests
from compatbuild.image.layer import identified
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import Scan
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageConfig
from compatbuild.image.wanted import Start, Wanted
from compatbuild.sources.archive import MAX_MEMBERS

MAX_DOCUMENTS = 64 << 20
"""Bytes of JSON kept of one archive: configs and manifests of all platforms, and of what is signed about them."""
_USTAR = slice(257, 262)
"""Where a tar header says that it is one (``ustar``); what has no such word and begins with a bracket is JSON."""
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5")
"""How a layer begins that may be shorter than a block, for it is compressed: gzip (RFC 1952), zstd (RFC 8878)."""
_FILES = frozenset((tar.REGULAR, tar.OLD_REGULAR, tar.CONTIGUOUS))
_CONFIGS = "configs"
_REMEDY = "check the image where it is with `docker save`, or pull it again"


class SavedStream:
    """One image of an archive that can be opened once, or anew for another scan; safe to share between threads.

    ``image`` is the digest that the daemon calls the image by, ``diff_ids`` its layers as the daemon names them.
    """

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Readable]],
        image: str,
        diff_ids: Sequence[str],
        what: str,
        cache: Cache | None = None,
    ) -> None:
        self._open = opened
        self._cache = cache
        self._image = image
        self._diff_ids = tuple(diff_ids)
        self._what = what
        self._lock = Lock()
        self._layers: dict[str, Future[LayerFacts]] = {}
        self._documents: dict[str, bytes] = {}
        self._unread: list[str] = []

    def facts(self, diff_id: str, scan: Scan) -> LayerFacts:
        """Return what a layer holds: who asks first reads the stream, the others wait for theirs to pass by."""
        with self._lock:
            reads = diff_id not in self._layers
            if reads:
                self._layers = {name: Future() for name in self._diff_ids}
            waiting = self._layers[diff_id]
        if reads:
            self._read(dict(self._layers), scan)
        facts = waiting.result()
        with self._lock:
            self._layers.pop(diff_id, None)  # so that memory is what the merge keeps
        return facts

    def config(self) -> ImageConfig:
        """Return the image's own config, out of the stream or the cache; ImageError when it is in neither.

        Where all layers came out of a cache, the stream may have to be read for it alone.
        """
        key = (self._image, *self._diff_ids)
        if (config := self._config()) is not None:
            if self._cache is not None:
                self._cache.write(_CONFIGS, key, config[0])
            return config[1]
        if self._cache is not None and not self._documents:
            raw = self._cache.read(_CONFIGS, key)
            if raw is not None:
                return parse_config(raw, DEFAULT)
            self._read({}, Scan(Wanted(Interests(), Start(), DEFAULT), DEFAULT, _untold))
            if self._documents:
                return self.config()
        raise ImageError(
            f"{self._what} cannot be read",
            why=f"the daemon sent no config whose digest leads to {self._image} and that has its layers",
            remedy=_REMEDY,
        )

    def _config(self) -> tuple[bytes, ImageConfig] | None:
        for raw in self._configs(self._image, 0):
            config = parse_config(raw, DEFAULT)
            if config.diff_ids == self._diff_ids:
                return raw, config
        return None

    def _read(self, layers: dict[str, Future[LayerFacts]], scan: Scan) -> None:
        """Go through the stream; whoever still waits for a layer afterwards is told that it did not come."""
        self._documents.clear()
        self._unread.clear()
        try:
            with self._open() as stream:
                self._members(tar.TarReader(_pieces(stream, scan), DEFAULT), layers, scan)
            missing: BaseException = self._missing()
        except ImageError as error:
            missing = ImageError(f"{self._what} cannot be read", why=error.what, remedy=_REMEDY)
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread must end those that wait for it
            missing = error
        for future in layers.values():
            if not future.done():
                future.set_exception(missing)

    def _members(self, reader: tar.TarReader, layers: dict[str, Future[LayerFacts]], scan: Scan) -> None:
        kept = 0
        inner = Scan(scan.wanted, scan.limits, _untold)
        for number, member in enumerate(reader, 1):
            if number > MAX_MEMBERS:
                raise ImageError(f"its archive has more than {MAX_MEMBERS:,} members")
            if member.flag not in _FILES or member.sparse:
                continue
            head = reader.read(tar.BLOCK)
            if head[:1] in (b"{", b"[") and head[_USTAR] != b"ustar":
                if member.size <= DEFAULT.document and kept + member.size <= MAX_DOCUMENTS:
                    raw = head + reader.read(member.size)
                    kept += len(raw)
                    self._documents[f"sha256:{hashlib.sha256(raw).hexdigest()}"] = raw
            elif layers and (
                len(head) == tar.BLOCK or head[:2] in (b"\x1f\x8b", b"\x28\xb5")
            ):  # a compressed layer may be tiny
                self._layer(member, _Payload(head, reader.payload()), layers, inner)
        reader.drain()

    def _layer(
        self, member: tar.Member, payload: "_Payload", layers: dict[str, Future[LayerFacts]], scan: Scan
    ) -> None:
        """Scan what may be a layer; what turns out to be none is another thing that the archive holds."""
        try:
            facts, diff_id = identified(payload, scan)
        except ImageError as error:
            self._unread.append(f"{member.name[-80:].decode('utf-8', 'backslashreplace')}: {error.what}")
            return
        waiting = layers.get(diff_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(facts)

    def _missing(self) -> ImageError:
        count = len(self._diff_ids)
        why = f"the daemon did not send all of its {count} layers"
        if self._unread:
            why += f"; of what it sent could not be read: {'; '.join(self._unread[:3])}"
        return ImageError(f"{self._what} cannot be read", why=why, remedy=_REMEDY)

    def _configs(self, digest: str, depth: int) -> Iterator[bytes]:
        """Yield the configs that a digest leads to: it is one, or the manifest of one, or an index of manifests."""
        raw = self._documents.get(digest)
        if raw is None or depth > 3:
            return
        document = _parsed(raw)
        if isinstance(document.get("manifests"), list):
            entries = document["manifests"]
        elif isinstance(document.get("layers"), list):
            entries = [document.get("config")]
        else:
            yield raw
            return
        for entry in entries:
            inner = entry.get("digest") if isinstance(entry, dict) else None
            if isinstance(inner, str):
                yield from self._configs(inner, depth + 1)


@dataclass(frozen=True)
class StreamedLayer:
    """A layer of an archive that passes by; its place in the stream is known only when it comes."""

    stream: SavedStream
    diff_id: str
    digest: str = ""
    size: int = 0

    def facts(self, scan: Scan) -> LayerFacts:
        """Read the stream, or wait for whoever reads it."""
        return self.stream.facts(self.diff_id, scan)


class _Payload:
    """A member's content behind what was read of it."""

    def __init__(self, head: bytes, rest: Iterator[memoryview]) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:  # noqa: ARG002 - pieces are of the outer archive's size, which is READ
        """Return the next bytes, nothing at the end."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return bytes(next(self._rest, b""))


def _pieces(stream: Readable, scan: Scan) -> Iterator[bytes]:
    while piece := stream.read(READ):
        scan.tick(len(piece))
        yield piece


def _untold(_: int) -> None:
    """Count nothing: bytes are counted as they come from the daemon."""


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def require_same(settled: ImageConfig, told: ImageConfig, what: str) -> None:
    """Raise ImageError when an image's own config contradicts what the daemon told of it before."""
    for name in ("argv", "working_dir", "architecture", "os"):
        own, before = getattr(settled, name), getattr(told, name)
        if own != before:
            raise ImageError(
                f"{what} cannot be read",
                why=f"the daemon described another image than it sent: {name} is {own!r}, not {before!r}"[:500],
                remedy="it may have been replaced meanwhile: try again",
            )
