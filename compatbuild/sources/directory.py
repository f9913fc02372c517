"""A directory that is the root of a file system: an unpacked image, a chroot, the root of this machine.

It is walked through descriptors of its directories and no link in it is followed, so nothing outside it is opened,
not even when the tree changes meanwhile. Other file systems mounted in it (``/proc``) are left out.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import ImageError, NotFoundError, SourceError, UsageError
from compatbuild.image import tar
from compatbuild.image.collect import Collector
from compatbuild.image.layer import ELF_MAGIC, Keeper
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import Scan
from compatbuild.image.view import ImageConfig
from compatbuild.registry.platform import parse_platform
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.names import exists
from compatbuild.sources.skopeo_dir import is_skopeo_dir, open_skopeo_dir

SCHEME = "dir"
READ = 1024 * 1024
"""Bytes of a file read at once."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FLAGS = {
    stat.S_IFREG: tar.REGULAR,
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFLNK: tar.SYMBOLIC_LINK,
    stat.S_IFCHR: tar.CHARACTER,
    stat.S_IFBLK: tar.BLOCK_DEVICE,
    stat.S_IFIFO: tar.FIFO,
}


@contextmanager
def open_directory(text: str, wish: Wish) -> Iterator[ImageSource]:
    """Open a root directory, or an image in skopeo's ``dir`` form; a root has no config, and no layers but itself.

    The platform wished for says what machine a root directory is for, as nothing in it does.
    """
    path = Path(text)
    if not exists(text):
        raise NotFoundError(f"there is no directory {text[:200]}", why="No such file or directory", remedy="check it")
    if not path.is_dir():
        raise UsageError(f"{path} is no directory", why="dir: reads the root of a file system", remedy="leave dir: out")
    if is_skopeo_dir(path):
        with open_skopeo_dir(SCHEME, path, wish) as image:
            yield image
        return
    asked = parse_platform(wish.platform) if wish.platform else None
    config = ImageConfig(asked.architecture, asked.os, asked.variant) if asked else ImageConfig()
    yield ImageSource(SCHEME, text, "", config, (TreeLayer(path),))


@dataclass(frozen=True)
class TreeLayer:
    """A directory tree as a layer; ``size`` is not known before it is read."""

    path: Path
    digest: str = ""
    diff_id: str = ""
    size: int = 0

    def facts(self, scan: Scan) -> LayerFacts:
        """Walk the tree; what cannot be read is named in the limits."""
        try:
            root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read", why=str(error.strerror), remedy="check it") from error
        try:
            return _Walk(root, scan).facts()
        except ImageError as error:
            remedy = "name the directory of one image's root"
            raise ImageError(f"{self.path} cannot be read", why=error.what, remedy=remedy) from error
        finally:
            os.close(root)


class _Walk:
    """One walk through a tree, depth first, in the order of names."""

    def __init__(self, root: int, scan: Scan) -> None:
        self._root = root
        self._scan = scan
        self._device = os.fstat(root).st_dev
        self._collector = Collector(scan.limits)
        self._keeper = Keeper(scan, self._collector)

    def facts(self) -> LayerFacts:
        """Walk, and return what was collected."""
        self._directory(self._root, b"", 0)
        return self._collector.facts()

    def _directory(self, descriptor: int, path: bytes, depth: int) -> None:
        if depth > self._scan.limits.depth:
            self._note(path, "is deeper than directories are read")
            return
        for name in sorted(os.listdir(descriptor)):
            raw = os.fsencode(name)
            inner = path + b"/" + raw
            try:
                self._entry(descriptor, raw, inner, depth)
            except OSError as error:
                self._note(inner, f"cannot be read: {error.strerror}")

    def _entry(self, parent: int, name: bytes, path: bytes, depth: int) -> None:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        flag = _FLAGS.get(stat.S_IFMT(status.st_mode))
        if flag is None:
            return  # a socket, which no image can hold
        size = status.st_size if flag == tar.REGULAR else 0
        link = os.readlink(name, dir_fd=parent) if flag == tar.SYMBOLIC_LINK else b""
        found = self._collector.add(tar.Member(path, flag, size, status.st_mode, link, size))
        if flag == tar.DIRECTORY:
            if status.st_dev != self._device:
                self._note(path, "is another file system, which is not read")
                return
            inner = os.open(name, _DIRECTORY, dir_fd=parent)
            try:
                self._directory(inner, path, depth + 1)
            finally:
                os.close(inner)
        elif found:
            self._file(parent, name, found)

    def _file(self, parent: int, name: bytes, path: str) -> None:
        """Read a file's content as far as it is wanted."""
        descriptor = os.open(name, _FILE, dir_fd=parent)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return  # it was replaced since it was listed
            wanted = self._scan.wanted
            is_elf = wanted.elf and os.pread(descriptor, len(ELF_MAGIC), 0) == ELF_MAGIC
            if is_elf or wanted.near(path):
                self._keeper.keep(path, status.st_size, lambda count: self._payload(file, count), is_elf=is_elf)

    def _payload(self, file: io.FileIO, count: int) -> Iterator[memoryview]:
        """Yield the next bytes of a file, all of them when ``count`` is negative."""
        left = count
        while left and (piece := file.read(READ if left < 0 else min(READ, left))):
            self._scan.tick(len(piece))
            left -= len(piece) if left > 0 else 0
            yield memoryview(piece)

    def _note(self, path: bytes, what: str) -> None:
        self._collector.notes.add(f"{path.decode('utf-8', 'backslashreplace')} {what}")
