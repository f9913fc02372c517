"""Spack's build caches in a directory: layout 3 (Spack 1.0 and later), and the layouts 1 and 2 before it.

Formats: Spack ``lib/spack/spack/url_buildcache.py`` (spack/spack@00b778b4a9d5) and its documentation, "Build Cache
Layout". Specs of layout 3 and every tarball are checked against the checksum that the cache has of them. Signatures are
GnuPG's, and are not verified here. No path of a cache is made from what it says, but for checksums, and none leads out.
"""

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import Any, Protocol

from compatbuild.errors import ImageError, NotFoundError, SourceError
from compatbuild.image.layer_source import BlobLayer, UnreadLayer
from compatbuild.image.limits import MIB
from compatbuild.registry.digest import check_digest
from compatbuild.sources.files import OwnedSlice, read_all
from compatbuild.sources.spack_names import Entry

MAX_ENTRIES = 200_000
"""Specs of one cache that are looked at; Spack's own public one has some 100,000."""
MAX_SPEC = 16 * MIB
"""Bytes of a spec or a manifest; those of programs with a hundred dependencies have 200 KiB."""
NEW = "v3/manifests/spec"
OLD = "build_cache"
SPEC_TYPE = "application/vnd.spack.spec.v"
TARBALL_TYPE = "application/vnd.spack.install.v2.tar+gzip"

_NEW_NAME = re.compile(r"(.+)-([a-z0-9]{32})\.spec\.manifest\.json")
_OLD_NAME = re.compile(r"(.+-([a-z0-9]{32}))\.spec\.json(?:\.sig)?")
_OLD_LABEL = re.compile(r"[^-]+-[^-]+-[^-]+-(?:apple-)?[^-]+-[^-]+-(.+)-[a-z0-9]{32}")
"""``PLATFORM-OS-TARGET-COMPILER-VERSION-`` before a label in the file names of old layouts."""
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_SIGNED = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)\r?\n-----BEGIN PGP SIGNATURE-----", re.DOTALL
)


@dataclass(frozen=True)
class Package:
    """A package of a cache: its spec as the cache has it, its tarball as a layer, and what cannot be read of it."""

    spec: bytes
    tarball: BlobLayer
    unread: tuple[UnreadLayer, ...] = ()


class Mirror(Protocol):
    """A cache in a directory."""

    def entries(self) -> list[Entry]:
        """Return all packages, by the names of files."""

    def spec(self, entry: Entry) -> bytes:
        """Return a package's spec."""

    def package(self, entry: Entry) -> Package:
        """Return a package."""


def open_mirror(path: Path) -> Mirror:
    """Return the cache in a directory, of the newest layout that is there; SourceError when there is none."""
    if not path.is_dir():
        raise NotFoundError(f"there is no directory {path}", why="No such file or directory", remedy="check the path")
    if (path / NEW).is_dir():
        return NewMirror(path)
    if (path / OLD).is_dir():
        return OldMirror(path)
    raise SourceError(
        f"{path} is no build cache of Spack's",
        why=f"it has neither {NEW} nor {OLD}",
        remedy="name the directory that `spack buildcache push` wrote to, or an OCI build cache: oci://HOST/REPOSITORY",
    )


@dataclass(frozen=True)
class NewMirror:
    """A cache of layout 3: a manifest for each package, and blobs by checksum."""

    root: Path

    def entries(self) -> list[Entry]:
        """Return all packages."""
        found = []
        for directory in _names(self.root / NEW):
            matches = map(_NEW_NAME.fullmatch, _names(self.root / NEW / directory))
            found += [Entry(one[1], one[2], f"{NEW}/{directory}/{one[0]}") for one in matches if one]
            _bound(found, self.root)
        return found

    def spec(self, entry: Entry) -> bytes:
        """Return a package's spec, whose checksum the manifest has."""
        record = _record(self._records(entry), SPEC_TYPE, entry)
        raw = _read(self.root, _blob(record, entry))
        check_digest(raw, f"sha256:{record['checksum']}", f"the spec of {entry.label}")
        return _inflated(raw, entry) if record.get("compression") == "gzip" else raw

    def package(self, entry: Entry) -> Package:
        """Return a package."""
        record = _record(self._records(entry), TARBALL_TYPE, entry)
        size = record.get("contentLength")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise _malformed(entry, "its tarball has no size")
        opened = partial(_opened, self.root, _blob(record, entry))
        digest = f"sha256:{record['checksum']}"
        layer = BlobLayer(f"The tarball of {entry.label}", digest, size, "", TARBALL_TYPE, opened)
        return Package(self.spec(entry), layer)

    def _records(self, entry: Entry) -> list[Any]:
        document = _json(_unsigned(_read(self.root, entry.place)), entry)
        records = document.get("data")
        if document.get("version") != 3 or not isinstance(records, list):
            raise _malformed(entry, "its manifest is not of version 3")
        return records


@dataclass(frozen=True)
class OldMirror:
    """A cache of layout 1 or 2: specs that name the checksum of their tarball, in one directory."""

    root: Path

    def entries(self) -> list[Entry]:
        """Return all packages; a signed spec and one that is not are the same package."""
        found: dict[str, Entry] = {}
        for name in _names(self.root / OLD):
            if match := _OLD_NAME.fullmatch(name):
                label = _OLD_LABEL.fullmatch(match[1])
                found[match[2]] = Entry(label[1] if label else match[1], match[2], f"{OLD}/{name}")
        _bound(list(found.values()), self.root)
        return list(found.values())

    def spec(self, entry: Entry) -> bytes:
        """Return a package's spec."""
        return _unsigned(_read(self.root, entry.place))

    def package(self, entry: Entry) -> Package:
        """Return a package; the tarball lies beside directories named for architecture, compiler and package."""
        spec = self.spec(entry)
        document = _json(spec, entry)
        version = document.get("buildcache_layout_version", 0)
        if version not in (1, 2):
            raise SourceError(
                f"{entry.label} is in layout {str(version)[:20]} of Spack's build caches",
                why="1, 2 and 3 are read; before them a package was an archive of archives",
                remedy="push it again with Spack 0.18 or later",
            )
        checksum = document.get("binary_cache_checksum")
        told = checksum if isinstance(checksum, dict) else {}
        digest = told.get("hash")
        if not isinstance(digest, str) or not _CHECKSUM.fullmatch(digest) or told.get("hash_algorithm") != "sha256":
            raise _malformed(entry, "its spec has no SHA-256 checksum of the tarball")
        place = self._tarball(entry)
        with _opened(self.root, place) as part:
            size = part.size
        opened = partial(_opened, self.root, place)
        layer = BlobLayer(f"The tarball of {entry.label}", f"sha256:{digest}", size, "", "", opened)
        lost = UnreadLayer(f"Where {entry.label} was built to be", "", "layout 1 of build caches does not hold it")
        return Package(spec, layer, (lost,) if version == 1 else ())

    def _tarball(self, entry: Entry) -> str:
        """Return where a tarball is: its name is the spec's, three directories down."""
        match = _OLD_NAME.fullmatch(entry.place.rpartition("/")[2])
        stem = match[1] if match else ""
        for architecture in _names(self.root / OLD):
            for compiler in _names(self.root / OLD / architecture):
                for label in _names(self.root / OLD / architecture / compiler):
                    place = f"{OLD}/{architecture}/{compiler}/{label}/{stem}.spack"
                    if stem.endswith(f"-{label}-{entry.hash}") and (self.root / place).is_file():
                        return place
        raise NotFoundError(
            f"{entry.label} has a spec and no tarball",
            why=f"{stem}.spack is not there",
            remedy="push the package again",
        )


def _names(directory: Path) -> Iterator[str]:
    """Yield the names in a directory in their order; nothing of what is none."""
    try:
        with os.scandir(directory) as found:
            yield from sorted(entry.name for entry in islice(found, MAX_ENTRIES))
    except NotADirectoryError:
        return
    except OSError as error:
        raise SourceError(f"{directory} cannot be read", why=str(error.strerror), remedy="check it") from error


def _bound(found: list[Entry], root: Path) -> None:
    if len(found) >= MAX_ENTRIES:
        raise SourceError(
            f"{root} has more than {MAX_ENTRIES:,} packages", why="so many are not read", remedy="name a smaller cache"
        )


def _opened(root: Path, place: str) -> OwnedSlice:
    """Open a file of the cache; a link that leads out of it is refused."""
    path = root / place
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise ImageError(f"{path} leads out of the cache", why="a link points elsewhere", remedy="remove the link")
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why="the cache names it", remedy="push it again") from error
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path} cannot be read", why=str(error), remedy="check it") from error
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ImageError(f"{path} is no regular file", why="nothing else belongs there", remedy="push it again")
    return OwnedSlice(descriptor)


def _read(root: Path, place: str) -> bytes:
    return read_all(_opened(root, place), MAX_SPEC, place)


def _record(records: list[Any], kind: str, entry: Entry) -> Mapping[str, Any]:
    """Return the first record of a type; of a spec the type ends with the version of its format."""
    for record in records:
        if isinstance(record, dict) and str(record.get("mediaType", "")).startswith(kind):
            return record
    raise _malformed(entry, f"its manifest names no {kind}")


def _blob(record: Mapping[str, Any], entry: Entry) -> str:
    checksum = record.get("checksum")
    is_known = record.get("checksumAlgorithm") == "sha256"
    if not is_known or not isinstance(checksum, str) or not _CHECKSUM.fullmatch(checksum):
        raise _malformed(entry, "its manifest has no SHA-256 checksum")
    return f"blobs/sha256/{checksum[:2]}/{checksum}"


def _unsigned(raw: bytes) -> bytes:
    """Return what is signed in the clear (RFC 4880 §7), or all of what is not signed; nothing is verified."""
    match = _SIGNED.search(raw)
    return re.sub(rb"(?m)^- ", b"", match[1]) if match else raw


def _inflated(raw: bytes, entry: Entry) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    try:
        content = decoder.decompress(raw, MAX_SPEC + 1)
    except zlib.error as error:
        raise _malformed(entry, f"its spec is no gzip file ({error})") from error
    if len(content) > MAX_SPEC or not decoder.eof:
        raise _malformed(entry, "its spec is cut off or too large")
    return content


def _json(raw: bytes, entry: Entry) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _malformed(entry, f"it is not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise _malformed(entry, "it is not a JSON object")
    return document


def _malformed(entry: Entry, why: str) -> ImageError:
    return ImageError(f"{entry.place} is malformed", why=why, remedy="push the package again")
