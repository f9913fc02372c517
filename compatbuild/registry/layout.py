"""A directory in the OCI image layout as a store, referrers included: a registry without a server.

Format: OCI image-spec v1.1 ``image-layout.md``. Referrers are untagged entries of ``index.json`` whose manifest has a
``subject``, as oras-go writes them; an index under the fallback tag, as regctl writes it, is read as well. Entries and
keys that are not ours stay as they are. No path leaves the directory.
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, BinaryIO

from compatbuild.errors import CompatError, NotFoundError, RegistryError, UsageError
from compatbuild.registry.descriptor import (
    MAX_ENTRIES,
    MAX_INDEX,
    OCI_INDEX,
    Descriptor,
    Index,
    ManifestBytes,
    describe,
    media_type_of,
    parse_descriptor,
    parse_json,
)
from compatbuild.registry.digest import ContentError, check_digest, exactly, is_digest
from compatbuild.registry.referrers import Entries, fallback_tag, readable, without
from compatbuild.registry.store import Via
from compatbuild.registry.upload import Checked

if TYPE_CHECKING:
    from compatbuild.registry.store import Store

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
"""Where docker and containerd keep the full name when ``ref.name`` is only the tag."""
MAX_LAYOUT_FILE = 1 << 16
"""Bytes of the file ``oci-layout``."""
MAX_LISTED = 20
"""Names of images shown in a message."""
_COMPANION = re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:\..*)?")
"""Tags of the tag schema, and cosign's ``.sig``, ``.att`` and ``.sbom``: never what somebody means by "the image"."""


class LayoutStore:
    """One OCI layout directory; writers exclude each other by a lock on it."""

    def __init__(self, path: Path) -> None:
        self._root = path
        if not path.is_dir():
            raise NotFoundError(f"{path} is not a directory", why="an OCI layout is one", remedy="check the path")
        version = parse_json(self._read(path / "oci-layout", MAX_LAYOUT_FILE), MAX_LAYOUT_FILE, "oci-layout")
        if version.get("imageLayoutVersion") != "1.0.0":
            why = f"imageLayoutVersion is {str(version.get('imageLayoutVersion'))[:40]!r}"
            raise ContentError(f"{path} is no OCI layout of version 1.0.0", why=why, remedy="write it again")

    @property
    def name(self) -> str:
        """The directory with its prefix."""
        return f"oci-dir:{self._root}"

    @property
    def repository(self) -> str:
        """The directory's own name: where it happens to lie is nobody's business."""
        return self._root.resolve().name or "layout"

    def resolve(self, selector: str) -> ManifestBytes:
        """Return the manifest or index of a tag or digest, or the only image for an empty selector.

        A tag is looked for as the whole ``ref.name``, then as the tag of a full name. UsageError when several fit.
        """
        if is_digest(selector):
            return self.manifest(selector)
        entries = self._entries()
        found = {entry.digest: entry for entry in (_named(entries, selector) if selector else self._images(entries))}
        if len(found) == 1:
            return self._load(*found.values())
        asked = f" named {selector}" if selector else ""
        if found:
            why, remedy = _listing(list(found.values())), f"name one: {self.name}:TAG or {self.name}@sha256:…"
            raise UsageError(f"{self.name} has {len(found)} images{asked}", why=why, remedy=remedy)
        why = f"it has {_listing(self._images(entries)) or 'none at all'}"
        raise NotFoundError(f"{self.name} has no image{asked}", why=why, remedy="name one that it has")

    def manifest(self, digest: str) -> ManifestBytes:
        """Return the manifest or index with a digest."""
        entry = next((entry for entry in self._entries() if entry.digest == digest), None)
        return self._load(entry or Descriptor("", digest, 0))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes with its size and digest checked."""
        with self.open_blob(descriptor) as file:
            if descriptor.size > limit:
                why = f"{descriptor.size} bytes, at most {limit} are read"
                raise ContentError(f"{descriptor.digest} is too large", why=why)
            raw = file.read(descriptor.size + 1)
        check_digest(raw, descriptor.digest, f"the blob in {self.name}")
        return raw

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob for reading; its size is checked, the caller checks the digest."""
        file = self._open(self._blob(descriptor.digest))
        size = os.fstat(file.fileno()).st_size
        if size != descriptor.size:
            file.close()
            raise ContentError(f"{descriptor.digest} has another size", why=f"{size} bytes, not {descriptor.size}")
        return file

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        """Return some bytes of a blob; the caller checks what they are."""
        with self.open_blob(descriptor) as file:
            file.seek(offset)
            return exactly(file.read(count), count, f"{descriptor.digest} in {self.name}")

    def tags(self) -> tuple[str, ...]:
        """Return the tags of all entries, of full names their tags."""
        names = [entry.annotations.get(REF_NAME, "") for entry in self._entries()]
        return tuple(dict.fromkeys(_tag(name) for name in names if _tag(name)))

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor:
        """Write a blob unless it is there."""
        descriptor = describe(raw, media_type)
        path = self._blob(descriptor.digest)
        if not path.is_file() or path.stat().st_size != len(raw):
            self._write(path, raw)
        return descriptor

    def has(self, descriptor: Descriptor) -> bool:
        """Whether a blob or manifest is there with the right size; its digest is checked when it is read."""
        path = self._blob(descriptor.digest)
        return path.is_file() and path.stat().st_size == descriptor.size

    def copy_blob(self, descriptor: Descriptor, source: "Store") -> bool:
        """Write a blob of another store as it comes; nothing is there before all of it was right."""
        path = self._blob(descriptor.digest)
        with source.open_blob(descriptor) as file:
            self._write_pieces(path, Checked(file, descriptor))
        return True

    def push_manifest(self, raw: bytes, media_type: str, tag: str | None = None) -> Descriptor:
        """Write a manifest; with a tag it takes that name over in ``index.json``, without one it is listed nowhere."""
        descriptor = self.push_blob(raw, media_type)
        if tag is not None:
            entry = descriptor.as_json() | {"annotations": {REF_NAME: tag}}
            with self._rewriting() as entries:
                entries[:] = [other for other in entries if _annotation(other, REF_NAME) != tag] + [entry]
        return descriptor

    def referrers(self, subject: str) -> tuple[Descriptor, ...]:
        """Return the entries whose manifest names the subject, and those of an index under the fallback tag."""
        listed: dict[str, Descriptor] = {}
        for entry in self._entries():
            if entry.annotations.get(REF_NAME) == fallback_tag(subject):
                parsed = self._load(entry).parse()
                listed |= {inner.digest: inner for inner in parsed.manifests} if isinstance(parsed, Index) else {}
            elif self._subject_of(entry) == subject:
                listed[entry.digest] = entry
        return tuple(listed.values())

    @property
    def via(self) -> Via:
        """Always in ``index.json``."""
        return Via.LAYOUT

    def add_referrer(self, artifact: Descriptor, subject: str) -> Via:
        """List a written manifest in ``index.json``, and in an index under the fallback tag if there is one."""
        return self.add_referrers((artifact,), subject)

    def add_referrers(self, artifacts: Sequence[Descriptor], subject: str) -> Via:
        """List several in one go."""
        listed = {entry.digest for entry in self.referrers(subject)}
        fresh = [artifact.as_json() for artifact in artifacts if artifact.digest not in listed]
        if fresh:
            with self._rewriting() as entries:
                entries.extend(fresh)
                self._rewrite_tagged(entries, fallback_tag(subject), lambda inner: [*inner, *fresh])
        return Via.LAYOUT

    def restore_referrers(self, subject: str) -> tuple[Descriptor, ...]:  # noqa: ARG002 - the protocol's signature
        """Return nothing: in a layout writers exclude each other."""
        return ()

    def remove_referrer(self, digest: str, subject: str) -> None:
        """Delete a referrer's manifest and its entries, also in an index under the fallback tag."""
        with self._rewriting() as entries:
            self._rewrite_tagged(entries, fallback_tag(subject), lambda inner: without(inner, digest))
        self.delete_manifest(digest)

    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest and its entries; its layers stay, others may use them."""
        with self._rewriting() as entries:
            entries[:] = without(entries, digest)
        self._blob(digest).unlink(missing_ok=True)

    def _rewrite_tagged(self, entries: Entries, tag: str, change: Callable[[Entries], Entries]) -> None:
        """Let an entry of that name stand for a changed index; what is no index stays."""
        for position, entry in enumerate(entries):
            if _annotation(entry, REF_NAME) == tag:
                found = self._load(parse_descriptor(entry, "index.json"))
                if isinstance(found.parse(), Index):
                    document = parse_json(found.raw, MAX_INDEX, tag)
                    changed = document | {"manifests": change(document["manifests"])}
                    entries[position] = entry | self.push_blob(_json(changed), OCI_INDEX).as_json()

    def _load(self, entry: Descriptor) -> ManifestBytes:
        """Return what an entry of ``index.json`` stands for; without a media type the document's own word counts."""
        raw = self._read(self._blob(entry.digest), MAX_INDEX)
        if entry.media_type and len(raw) != entry.size:
            raise ContentError(f"{entry.digest} has another size", why=f"{len(raw)} bytes, not {entry.size}")
        check_digest(raw, entry.digest, f"the manifest in {self.name}")
        return ManifestBytes(raw, Descriptor(media_type_of(raw, entry.media_type), entry.digest, len(raw)))

    def _subject_of(self, entry: Descriptor) -> str:
        """Return the digest an entry's manifest refers to, empty when it is an image, unreadable or absent."""
        try:
            subject = self._load(entry).parse().subject
        except (ContentError, NotFoundError):
            return ""
        return subject.digest if subject else ""

    def _images(self, entries: tuple[Descriptor, ...]) -> list[Descriptor]:
        """Return the entries that are neither referrers nor named as what accompanies an image."""
        return [
            entry
            for entry in entries
            if not _COMPANION.fullmatch(entry.annotations.get(REF_NAME, "")) and not self._subject_of(entry)
        ]

    def _entries(self) -> tuple[Descriptor, ...]:
        return readable(self._index()["manifests"])

    def _index(self) -> dict[str, Any]:
        document = parse_json(self._read(self._root / "index.json", MAX_INDEX), MAX_INDEX, "index.json")
        entries = document.setdefault("manifests", [])
        if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
            why = f"it lists no manifests, or more than {MAX_ENTRIES}"
            raise ContentError(f"index.json of {self.name} is malformed", why=why, remedy="write the layout again")
        return document

    @contextmanager
    def _rewriting(self) -> Iterator[Entries]:
        """Give the entries of ``index.json`` to change, alone among writers, and replace the file at once."""
        lock = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self._index()
            before = _json(document)
            yield document["manifests"]
            if _json(document) != before:
                self._write(self._root / "index.json", _json(document))
        finally:
            os.close(lock)

    def _blob(self, digest: str) -> Path:
        if not is_digest(digest):
            raise ContentError(f"{digest[:80]!r} is no digest", why="it would become part of a path")
        algorithm, _, digits = digest.partition(":")
        return self._root / "blobs" / algorithm / digits

    def _inside(self, path: Path) -> Path:
        """Return the path with links resolved; ContentError when they lead out of the layout."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError) as error:
            raise ContentError(f"{path} cannot be followed", why="links go in a circle") from error
        if not real.is_relative_to(self._root.resolve()):
            raise ContentError(
                f"{path} leads out of {self.name}", why="a link points elsewhere", remedy="remove the link"
            )
        return real

    def _open(self, path: Path) -> BinaryIO:
        try:
            # Not blocking, so that a named pipe in a blob's place cannot hold us.
            file = os.open(self._inside(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError) as error:
            remedy = "the layout is incomplete, or no OCI layout: write it again"
            raise NotFoundError(f"{path} does not exist", why="it is needed", remedy=remedy) from error
        except OSError as error:
            raise RegistryError(f"{path} cannot be read", why=str(error), remedy="check its permissions") from error
        if not S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ContentError(f"{path} is no regular file", why="nothing else belongs there")
        return os.fdopen(file, "rb")

    def _read(self, path: Path, limit: int) -> bytes:
        with self._open(path) as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise ContentError(f"{path} is too large", why=f"more than {limit} bytes")
        return raw

    def _write(self, path: Path, raw: bytes) -> None:
        """Write a file so that it appears whole or not at all, even after a crash."""
        self._write_pieces(path, (raw,))

    def _write_pieces(self, path: Path, pieces: Iterable[bytes]) -> None:
        directory = self._inside(path.parent)
        fresh = directory / f".compatbuild-{secrets.token_hex(8)}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with fresh.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(directory / path.name)
        except CompatError:
            fresh.unlink(missing_ok=True)
            raise
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise RegistryError(f"{path} cannot be written", why=str(error), remedy="check the directory") from error


def create_layout(path: Path) -> None:
    """Make a directory an empty OCI layout; one that is a layout already stays as it is.

    UsageError when the directory holds something else; RegistryError when it cannot be written.
    """
    if (path / "oci-layout").exists():
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(
                f"{path} is no OCI layout", why="it holds other files", remedy="name an empty directory, or a new one"
            )
        (path / "blobs" / "sha256").mkdir(parents=True)
        (path / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    except OSError as error:
        raise RegistryError(f"{path} cannot be written", why=str(error), remedy="check the directory") from error


def _named(entries: tuple[Descriptor, ...], name: str) -> list[Descriptor]:
    """Return the entries of exactly that name, else those with that tag (``docker.io/library/app:1.2`` has 1.2)."""
    return [entry for entry in entries if entry.annotations.get(REF_NAME) == name] or [
        entry
        for entry in entries
        if any(_tag(entry.annotations.get(key, "")) == name for key in (REF_NAME, CONTAINERD_NAME))
    ]


def _tag(full_name: str) -> str:
    tag = full_name.partition("@")[0].rpartition(":")[2]
    return "" if "/" in tag else tag


def _listing(entries: list[Descriptor]) -> str:
    names = [entry.annotations.get(REF_NAME, entry.digest) for entry in entries]
    return ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")


def _annotation(entry: object, key: str) -> object:
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    return annotations.get(key) if isinstance(annotations, dict) else None


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
