"""Where a cache is: a directory of this user, or any place that fsspec reaches (``s3://bucket/prefix``)."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from compatbuild.cache.cache import Cache
from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

DEFAULT_SIZE = 2 << 30
"""Bytes of a cache in a directory, beyond which what was not used for longest goes."""
MAX_ENTRY = 512 << 20
"""Bytes of one entry that are read."""
_TEMPORARY = ".new-"
_OURS = re.compile(r"[a-z]+/([0-9a-f]{2})/(\1[0-9a-f]{62}|\.new-[a-z0-9_]+)")
"""Names of entries (``cache.cache``), and of those that are being written."""
_SWEEP = "0"
"""Names whose writing ends with a look at the size of all: one in sixteen, for they are digests."""


class Usage(NamedTuple):
    """What a directory holds: entries, and their bytes."""

    entries: int
    size: int


@dataclass(frozen=True)
class Directory:
    """A directory of this user's alone, with at most about ``most`` bytes; a file's time is when it was last used.

    Only entries by their names are counted and removed: whatever else lies there is none of ours.
    """

    path: Path
    most: int = DEFAULT_SIZE

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None when there is none that can be read."""
        path = self.path / name
        try:
            with path.open("rb") as file:
                data = file.read(MAX_ENTRY + 1)
            os.utime(path)
        except OSError:
            return None
        return data if len(data) <= MAX_ENTRY else None

    def write(self, name: str, data: bytes) -> None:
        """Keep a file, whole or not at all: a full disk keeps nothing, and two writers of one name agree."""
        path = self.path / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            if name.endswith(_SWEEP):
                self.shrink(self.most)

    def usage(self) -> Usage:
        """Return how much there is."""
        sizes = [size for _, size, _ in self._files()]
        return Usage(len(sizes), sum(sizes))

    def shrink(self, most: int) -> None:
        """Remove what was not used for longest until at most so many bytes are left; 0 removes all."""
        left = 0
        for _, size, path in sorted(self._files(), reverse=True):
            left += size
            if left > most:
                with suppress(OSError):
                    path.unlink()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.path.glob("*/[0-9a-f][0-9a-f]/*"):
            with suppress(OSError):
                told = path.lstat()
                if _OURS.fullmatch(str(path.relative_to(self.path))) and stat.S_ISREG(told.st_mode):
                    yield told.st_mtime, told.st_size, path


@dataclass(frozen=True)
class Remote:
    """A place that fsspec reaches; credentials are its own affair."""

    name: str
    files: "AbstractFileSystem"
    root: str

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None when there is none that can be read."""
        try:
            data: bytes = self.files.cat_file(f"{self.root}/{name}", end=MAX_ENTRY + 1)
        except Exception:  # noqa: BLE001 - every service has errors of its own; a cache that fails is none
            return None
        return data if len(data) <= MAX_ENTRY else None

    def write(self, name: str, data: bytes) -> None:
        """Keep a file: object stores put it whole or not at all."""
        path = f"{self.root}/{name}"
        with suppress(Exception):
            self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self.files.pipe_file(path, data)


def open_cache(place: str = "") -> Cache:
    """Open the cache at a path or URL, by default in the user's cache directory; it need not be there yet.

    Raises UsageError for a directory that others can write to, for they could tell this tool anything, and for a
    URL that no installed fsspec reaches.
    """
    if "://" in place and not place.startswith("file://"):
        return Cache(_remote(place))
    return Cache(directory(place.removeprefix("file://")))


def directory(place: str = "") -> Directory:
    """Return the directory of a cache, made when it is not there; UsageError when it is not this user's alone."""
    path = Path(place) if place else _default()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = path.stat()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be used as a cache",
            why=error.strerror or str(error),
            remedy="name another with COMPATBUILD_CACHE, or use --no-cache",
        ) from error
    if told.st_uid != os.geteuid() or told.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"{path} is not used as a cache",
            why="others can write to it, and what is read from a cache is taken for what was read from an image",
            remedy="make it yours alone (chmod 700), or name another with COMPATBUILD_CACHE",
        )
    return Directory(path)


def _default() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - not needed where a place was named

    return user_cache_path("compatbuild")


def _remote(place: str) -> Remote:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra

        files, root = url_to_fs(place)
    except (ImportError, ValueError, OSError) as error:
        raise UsageError(
            f"no cache can be kept at {place.partition('://')[0]}://",
            why=str(error),
            remedy="pip install 'compatbuild[fleet]' and the fsspec package of that service, or name a directory",
        ) from error
    return Remote(place, files, root.rstrip("/"))
