"""The merge of layers into one tree, as overlayfs shows it: the top wins, whiteouts hide, directories join.

What a hard link to a lower layer names is looked up in the tree below its layer, before that layer's whiteouts, as the
file system does when the layer is unpacked.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from compatbuild.image.elf import ElfFacts
from compatbuild.image.layer_facts import Entry, LayerFacts, Notes
from compatbuild.image.limits import Limits, OverLimitError
from compatbuild.image.view import Kind, Node

_DIRECTORY_MODE = 0o755
"""Mode of a directory that no layer has an entry for, as unpackers make it."""


class _Linked(NamedTuple):
    """What lies at the target of a hard link."""

    node: Node
    elf: ElfFacts | None
    content: bytes | None


class Overlay:
    """The merged tree; add the layers' facts lowest first.

    ``nodes``, ``elves`` and ``files`` are by absolute path. The cost of adding a layer is that of its own entries and
    of what it removes, so a thousand layers that hide each other cost no more than their sizes together.
    """

    def __init__(self, limits: Limits) -> None:
        self.nodes: dict[str, Node] = {"/": Node(Kind.DIRECTORY, 0, mode=_DIRECTORY_MODE)}
        self.elves: dict[str, ElfFacts] = {}
        self.files: dict[str, bytes] = {}
        self.notes = Notes(limits.texts)
        self._limits = limits
        self._children: dict[str, list[str]] | None = None  # made when the first directory is removed, then kept
        self._entries = 0
        self._kept = 0

    def add(self, facts: LayerFacts, index: int) -> None:
        """Lay a layer over what is there; ``index`` is its number from the bottom."""
        self._entries += facts.members
        if self._entries > self._limits.entries:
            raise OverLimitError(
                "entries",
                f"The image has more than {self._limits.entries:,} entries",
                why="a build cache or a data set does not belong into an image",
            )
        links = {path: self._linked(path, target) for path, target in facts.links.items()}
        for path in facts.whiteouts:
            self._remove(path)
        for path in facts.opaque:
            self._empty(path)
        implied = Node(Kind.DIRECTORY, index, mode=_DIRECTORY_MODE)
        for path in facts.directories:
            lower = self.nodes.get(path)
            if lower is None or lower.kind is not Kind.DIRECTORY:
                self._place(path, implied)
        self._place_all(facts.entries, index)
        for path, elf in facts.elves.items():
            self._take_elf(path, elf)
        for path, content in facts.files.items():
            self._keep(path, content)
        for path, found in links.items():
            if found is not None:
                self._link(path, index, found)

    def _place_all(self, entries: Mapping[str, Entry], index: int) -> None:
        """Put a layer's entries in place. Paths share entries, so they share the nodes made of them."""
        made: dict[int, Node] = {}
        for path, entry in entries.items():
            node = made.get(id(entry))
            if node is None:
                node = made[id(entry)] = Node(entry.kind, index, entry.size, entry.mode, entry.target)
            self._place(path, node)

    def _place(self, path: str, node: Node) -> None:
        """Put one node over what is there: directories join, anything else replaces."""
        lower = self.nodes.get(path)
        self.nodes[path] = node
        if lower is None:
            if self._children is not None:
                self._children.setdefault(path.rpartition("/")[0], []).append(path)
        elif lower.kind is not Kind.DIRECTORY:
            self._drop(path)
        elif node.kind is not Kind.DIRECTORY:
            self._empty(path)

    def _remove(self, path: str) -> None:
        """Remove a path and all below it; no such path is no mistake, for its layer may hide nothing."""
        node = self.nodes.pop(path, None)
        if node is not None and node.kind is Kind.DIRECTORY:
            self._empty(path)
        self._drop(path)

    def _empty(self, directory: str) -> None:
        """Remove all below a directory."""
        if self._children is None:
            self._children = {}
            for path in self.nodes:
                self._children.setdefault(path.rpartition("/")[0], []).append(path)
            self._children[""].remove("/")
        todo = self._children.pop(directory.rstrip("/"), [])
        while todo:
            path = todo.pop()
            todo += self._children.pop(path, ())
            self.nodes.pop(path, None)
            self._drop(path)

    def _drop(self, path: str) -> None:
        """Forget the content of a path."""
        self.elves.pop(path, None)
        self._kept -= len(self.files.pop(path, b""))

    def _take_elf(self, path: str, elf: ElfFacts) -> None:
        if len(self.elves) >= self._limits.elf_files and path not in self.elves:
            self.notes.add(f"more than {self._limits.elf_files:,} ELF files: {path} is not read")
        else:
            self.elves[path] = elf

    def _keep(self, path: str, content: bytes) -> None:
        if self._kept + len(content) > self._limits.kept:
            self.notes.add(f"{path} is not kept: more than {self._limits.kept:,} bytes in all")
            return
        self.files[path] = content
        self._kept += len(content)

    def _linked(self, path: str, target: str) -> _Linked | None:
        """Look up what a hard link to a lower layer names."""
        node = self.nodes.get(target)
        if node is None or node.kind is Kind.DIRECTORY:
            self.notes.add(f"{path}: a hard link to {target}, where no file is, is left out")
            return None
        return _Linked(node, self.elves.get(target), self.files.get(target))

    def _link(self, path: str, index: int, found: _Linked) -> None:
        self._place(path, replace(found.node, layer=index))
        if found.elf is not None:
            self._take_elf(path, found.elf)
        if found.content is not None:
            self._keep(path, found.content)
