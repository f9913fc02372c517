"""A squashfs file system as a layer: the same facts as a tar archive of its tree gives, by one walk through it."""

from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.errors import ImageError
from compatbuild.image import squashfs, tar
from compatbuild.image.collect import Collector
from compatbuild.image.layer import ELF_MAGIC, FileContent, Keeper
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import Scan
from compatbuild.image.random_access import RandomAccess
from compatbuild.image.squashfs import Inode, Place, Squashfs

_FLAGS = {
    squashfs.FILE: tar.REGULAR,
    squashfs.DIRECTORY: tar.DIRECTORY,
    squashfs.SYMLINK: tar.SYMBOLIC_LINK,
    squashfs.BLOCK_DEVICE: tar.BLOCK_DEVICE,
    squashfs.CHARACTER: tar.CHARACTER,
    squashfs.FIFO: tar.FIFO,
}
"""Kinds of inodes as types of tar members; sockets are left out, as no archive can hold them."""


@dataclass(frozen=True)
class SquashfsLayer:
    """A file system as a layer; ``notes`` are limits that are known before it is read."""

    name: str
    data: RandomAccess
    notes: tuple[str, ...] = ()
    digest: str = ""
    diff_id: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file system."""
        return self.data.size

    def facts(self, scan: Scan) -> LayerFacts:
        """Walk through the tree; ImageError says which file system it is, and what is wrong with it."""
        try:
            return _Walk(Squashfs(self.data, scan.tick), scan, self.notes).facts()
        except ImageError as error:
            raise ImageError(
                f"{self.name} cannot be read",
                why=error.what if not error.why else f"{error.what}: {error.why}",
                remedy="build or copy the image again; if it stays so, it is damaged, or made to harm",
            ) from error


class _Walk:
    """One walk through a tree, depth first."""

    def __init__(self, files: Squashfs, scan: Scan, notes: tuple[str, ...]) -> None:
        self._files = files
        self._scan = scan
        self._collector = Collector(scan.limits)
        self._keeper = Keeper(scan, self._collector)
        self._seen: set[Place] = set()
        self._entries = 0
        self._produced = 0
        for note in notes:
            self._collector.notes.add(note)

    def facts(self) -> LayerFacts:
        """Walk, and return what was collected."""
        root = self._files.inode(self._files.root)
        if root.kind != squashfs.DIRECTORY:
            raise ImageError("its root is no directory")
        self._seen.add(self._files.root)
        levels = [self._members(root, b"")]
        while levels:
            found = next(levels[-1], None)
            if found is None:
                levels.pop()
                continue
            path, inode = found
            if len(levels) > self._scan.limits.depth:
                shown = path.decode("utf-8", "backslashreplace")
                self._collector.notes.add(f"{shown} is deeper than directories are read")
            else:
                levels.append(self._members(inode, path))
        return self._collector.facts()

    def _members(self, directory: Inode, path: bytes) -> Iterator[tuple[bytes, Inode]]:
        """Record what a directory holds, and yield the directories in it, each right after it was recorded."""
        for name, place in self._files.entries(directory):
            inode = self._files.inode(place)
            inner = path + b"/" + name
            flag = _FLAGS.get(inode.kind)
            self._entries += 1
            if self._entries > self._scan.limits.entries:
                raise ImageError(f"it holds more than {self._scan.limits.entries:,} entries")
            if flag is None:
                continue
            size = inode.size if flag == tar.REGULAR else 0
            kept = self._collector.add(tar.Member(inner, flag, size, inode.mode, inode.target, size))
            if kept:
                self._file(kept, inode)
            elif flag == tar.DIRECTORY:
                if place in self._seen:  # Linux has no hard links to directories: it is a loop, or a bomb
                    raise ImageError("a directory of it is in two places")
                self._seen.add(place)
                yield inner, inode

    def _file(self, path: str, inode: Inode) -> None:
        """Read a file's content as far as it is wanted."""
        wanted = self._scan.wanted
        near = wanted.near(path)
        if not near and not (wanted.elf and inode.size >= len(ELF_MAGIC)):
            return
        content = FileContent(self._counted(inode))
        is_elf = wanted.elf and content.starts_with(ELF_MAGIC)
        if is_elf or near:
            self._keeper.keep(path, inode.size, content.take, is_elf=is_elf)

    def _counted(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's blocks, which all together are no more than a layer may hold: a hole costs no byte."""
        limits = self._scan.limits
        for piece in self._files.content(inode):
            self._produced += len(piece)
            if self._produced > limits.layer_bytes:
                raise ImageError(f"it decompresses to more than {limits.layer_bytes:,} bytes")
            if self._produced > limits.ratio_from and self._produced > limits.ratio * self._files.head.used:
                raise ImageError(f"it decompresses to more than {limits.ratio} times its size, as only an attack does")
            self._scan.tick(0)
            yield piece
