"""One layer as its members arrive: names, whiteouts, links, and what content was kept of which file.

Rules of the OCI image specification (``layer.md``): a whiteout ``.wh.NAME`` removes NAME of lower layers,
``.wh..wh..opq`` all that lower layers have in its directory, neither touches its own layer. As containerd and docker do
on overlayfs, a layer is unpacked by itself: a symbolic link of the *same* layer is followed (inside the layer's own
root) when it stands for a directory in a member's name, one of a lower layer is not.
"""

from compatbuild.image import tar
from compatbuild.image.elf import ElfFacts
from compatbuild.image.layer_facts import Entry, LayerFacts, Notes
from compatbuild.image.limits import Limits, OverLimitError
from compatbuild.image.paths import normal_path
from compatbuild.image.view import MAX_LINKS, Kind

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
AUFS = ".wh..wh."
"""Other names that begin so are aufs's own book-keeping; docker skips them (moby ``pkg/archive/whiteouts.go``)."""
_SHARED_ENTRIES = 32_768
"""Distinct entries shared between paths; most files of a tree have the size and mode of some other."""

KINDS = {
    tar.REGULAR: Kind.FILE,
    tar.OLD_REGULAR: Kind.FILE,
    tar.CONTIGUOUS: Kind.FILE,
    tar.GNU_SPARSE: Kind.FILE,
    tar.SYMBOLIC_LINK: Kind.SYMLINK,
    tar.DIRECTORY: Kind.DIRECTORY,
    tar.CHARACTER: Kind.OTHER,
    tar.BLOCK_DEVICE: Kind.OTHER,
    tar.FIFO: Kind.OTHER,
}


class Collector:
    """Takes the members of one layer in order and becomes its LayerFacts.

    Inside, the root directory is an empty string, so that a parent and a name always join with a slash.
    """

    def __init__(self, limits: Limits) -> None:
        self.elves: dict[str, ElfFacts] = {}
        self.files: dict[str, bytes] = {}
        self.notes = Notes(limits.texts)
        self._limits = limits
        self._entries: dict[str, Entry] = {}
        self._links: dict[str, str] = {}
        self._copies: dict[str, str] = {}
        self._children: dict[str, list[str]] = {"": []}  # of every directory, implied or not, by its real path
        self._aliases: dict[str, str] = {}  # directory names that lead through a symbolic link, to where
        self._whiteouts: set[str] = set()
        self._opaque: set[str] = set()
        self._shared: dict[tuple[int, int, int], Entry] = {}
        self._count = 0
        self._long_names = 0
        self._steps = 0

    def add(self, member: tar.Member) -> str:
        """Record a member; return its path if it is a file whose content can be read, else an empty string."""
        self._count += 1
        if self._count > self._limits.entries:
            raise self._too_many()
        path = normal_path(member.name)
        if len(path) > self._limits.long_name and self._too_long(path):
            return ""
        parent, _, base = path.rpartition("/")
        if base[:4] == WHITEOUT:
            self._whiteout(parent, base)
        elif base:  # without one it is the root itself
            if parent not in self._children:
                parent = self._enter(parent)
                path = f"{parent}/{base}"
            if self._record(path, parent, member):
                return path
        return ""

    def _record(self, path: str, parent: str, member: tar.Member) -> bool:
        """Record anything but a whiteout; say whether there is content to read."""
        _, flag, size, mode, link, stored = member
        if flag == tar.HARD_LINK:
            self._hard_link(path, parent, link)
            return False
        kind = KINDS.get(flag)
        if kind is None:
            self.notes.add(f"{path}: a tar member of unknown type {chr(flag)!r} is left out")
            return False
        if flag != tar.DIRECTORY:
            self._replace(path, parent)
        elif path not in self._children:
            self._make_directory(path, parent)
        if flag == tar.SYMBOLIC_LINK:
            self._entries[path] = self._symlink(path, mode, link)
            return False
        entry = self._shared.get((flag, size, mode))
        self._entries[path] = entry or self._new_entry(kind, flag, size, mode)
        if size != stored or flag == tar.GNU_SPARSE:
            self.notes.add(f"{path} is stored as a sparse file, whose content is not read")
            return False
        return size > 0  # which only files have

    def facts(self) -> LayerFacts:
        """Return what was collected."""
        return LayerFacts(
            entries=self._entries,
            directories=frozenset(self._children.keys() - self._entries.keys() - {""}),
            links=self._links,
            whiteouts=frozenset(self._whiteouts),
            opaque=frozenset(path or "/" for path in self._opaque),
            elves=self.elves,
            files=self.files,
            copies=self._copies,
            members=self._count,
            limits=self.notes.texts(),
        )

    def _too_many(self) -> OverLimitError:
        return OverLimitError("entries", f"it holds more than {self._limits.entries:,} entries")

    def _too_long(self, path: str) -> bool:
        """Count a long name, and say whether to leave it out."""
        self._long_names += len(path)
        over = len(path) > self._limits.path or path.count("/") > self._limits.depth
        if over or self._long_names > self._limits.long_names:
            self.notes.add(f"{path[:60]}…: a path of {len(path):,} characters is left out")
            return True
        return False

    def _new_entry(self, kind: Kind, flag: int, size: int, mode: int) -> Entry:
        entry = Entry(kind, size, mode & 0o7777)
        if len(self._shared) < _SHARED_ENTRIES:
            self._shared[flag, size, mode] = entry
        return entry

    def _symlink(self, path: str, mode: int, link: bytes) -> Entry:
        target = link.decode("utf-8", "backslashreplace")
        if len(target) > self._limits.long_name and self._too_long(target):
            self.notes.add(f"{path}: the target of this link is left out")
            target = ""
        return Entry(Kind.SYMLINK, 0, mode & 0o7777, target)

    def _replace(self, path: str, parent: str) -> None:
        """Make room for anything but a directory: a member replaces what its layer had there."""
        if path in self._entries or path in self._children or path in self._links:
            self._forget(path)
        else:
            self._children[parent].append(path)

    def _make_directory(self, path: str, parent: str) -> None:
        """Make a directory where none is."""
        if len(self._children) > self._limits.directories:
            raise OverLimitError("directories", f"it holds more than {self._limits.directories:,} directories")
        self._replace(path, parent)
        self._children[path] = []

    def _forget(self, path: str) -> None:
        """Drop an entry and all below it; its name stays with its parent, for what replaces it."""
        todo = [path]
        while todo:
            gone = todo.pop()
            todo += self._children.pop(gone, ())
            for table in (self._entries, self._links, self._copies, self.elves, self.files):
                table.pop(gone, None)
        self._aliases.clear()

    def _enter(self, directory: str) -> str:
        """Return where a directory name leads in this layer, with every directory on the way in place."""
        real = self._aliases.get(directory)
        if real is None:
            real = self._real(directory)
            if real != directory:
                self._aliases[directory] = real
        missing = []
        above = real
        while above not in self._children:
            missing.append(above)
            above = above.rpartition("/")[0]
        self._count += len(missing)
        for path in reversed(missing):
            self._make_directory(path, path.rpartition("/")[0])
        return real

    def _real(self, directory: str) -> str:
        """Follow the layer's own symbolic links in a directory name, inside the layer's root."""
        todo = []
        current = directory
        while current not in self._children:
            current, _, part = current.rpartition("/")
            todo.append(part)
        links = 0
        while todo:
            part = todo.pop()
            self._steps += 1
            if part == "..":
                current = current.rpartition("/")[0]
            elif part not in ("", "."):
                entry = self._entries.get(f"{current}/{part}")
                if entry is None or entry.kind is not Kind.SYMLINK or links == MAX_LINKS:
                    current = f"{current}/{part}"
                    continue
                links += 1
                current = "" if entry.target.startswith("/") else current
                todo.extend(reversed(entry.target.split("/")))
        if self._steps > self._limits.link_steps:
            raise OverLimitError("link_steps", "its names lead through more symbolic links than any real layer's")
        return current

    def _whiteout(self, parent: str, base: str) -> None:
        parent = parent if parent in self._children else self._real(parent)
        hidden = base[len(WHITEOUT) :]
        if base == OPAQUE:
            self._opaque.add(parent)
        elif hidden in ("", ".", ".."):
            self.notes.add(f"{parent}/{base}: a whiteout that names nothing is left out")
        elif not base.startswith(AUFS):
            self._whiteouts.add(f"{parent}/{hidden}")

    def _hard_link(self, path: str, parent: str, link: bytes) -> None:
        """Give a path what its target has in this layer, or remember that its target is in a lower one."""
        directory, _, base = normal_path(link).rpartition("/")
        target = f"{directory if directory in self._children else self._real(directory)}/{base}"
        if target in self._children or not base:
            self.notes.add(f"{path}: a hard link to a directory is left out")
            return
        if target == path:
            return
        entry = self._entries.get(target)
        self._replace(path, parent)
        if entry is None:
            self._links[path] = self._links.get(target, target)
            return
        self._entries[path] = entry
        if target in self.elves:
            if len(self.elves) >= self._limits.elf_files:
                self.notes.add(f"more than {self._limits.elf_files:,} ELF files: {path} is not read")
            else:
                self.elves[path] = self.elves[target]
        if target in self.files:
            self.files[path] = self.files[target]
            self._copies[path] = self._copies.get(target, target)
