"""Layers read, unpacked and merged, against a model that does each step the slow and obvious way.

The model unpacks a layer into a tree of its own, following the layer's own links, then lays the trees over each other.
"""

import tarfile
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import Kind
from tests.builders.images import view
from tests.builders.layers import Entry, directory, file, hardlink, layer, opaque, symlink, whiteout

Path = tuple[str, ...]
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=3).map("/".join)
ENTRIES = st.one_of(
    st.builds(file, PATHS, st.sampled_from([b"1", b"2", b"3"])),
    st.builds(directory, PATHS),
    st.builds(symlink, PATHS, st.one_of(TARGETS, TARGETS.map("/{}".format))),
    st.builds(hardlink, PATHS, PATHS),
    st.builds(whiteout, PATHS),
    st.builds(opaque, st.one_of(st.just(""), PATHS)),
)
LAYERS = st.lists(st.lists(ENTRIES, max_size=10), min_size=1, max_size=4)


@dataclass(frozen=True)
class Thing:
    """What lies at a path; ``lower`` is the target of a hard link into the layers below."""

    kind: str
    text: str = ""
    lower: Path = ()
    layer: int = -1


@dataclass
class Unpacked:
    """One layer unpacked by itself."""

    tree: dict[Path, Thing] = field(default_factory=dict)
    whiteouts: set[Path] = field(default_factory=set)
    opaque: set[Path] = field(default_factory=set)

    def remove(self, path: Path) -> None:
        self.tree = {p: t for p, t in self.tree.items() if p[: len(path)] != path}

    def real(self, path: Path) -> Path:
        current: Path = ()
        todo, links = list(path), 0
        while todo:
            part = todo.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                current = current[:-1]
                continue
            thing = self.tree.get((*current, part))
            if thing is not None and thing.kind == "symlink" and links < 40:
                links += 1
                current = () if thing.text.startswith("/") else current
                todo = thing.text.split("/") + todo
            else:
                current = (*current, part)
        return current

    def make(self, path: Path) -> None:
        for end in range(1, len(path) + 1):
            if self.kind(path[:end]) != "directory":
                self.remove(path[:end])
                self.tree[path[:end]] = Thing("directory", text="implied")

    def kind(self, path: Path) -> str:
        return self.tree[path].kind if path in self.tree else ""

    def add(self, entry: Entry) -> None:
        parts = tuple(entry.path.split("/"))
        parent, name = self.real(parts[:-1]), parts[-1]
        if name == ".wh..wh..opq":
            self.opaque.add(parent)
        elif name.startswith(".wh."):
            self.whiteouts.add((*parent, name[4:]))
        else:
            self.make(parent)
            self.put((*parent, name), entry)

    def put(self, path: Path, entry: Entry) -> None:
        if entry.kind == tarfile.LNKTYPE:
            parts = tuple(entry.target.split("/"))
            target = (*self.real(parts[:-1]), parts[-1])
            thing = self.tree.get(target, Thing("external", lower=target))
            if thing.kind == "directory" or target == path:
                return
        elif entry.kind == tarfile.DIRTYPE:
            thing = Thing("directory")
        elif entry.kind == tarfile.SYMTYPE:
            thing = Thing("symlink", entry.target)
        else:
            thing = Thing("file", entry.content.decode())
        if self.kind(path) != "directory" or thing.kind != "directory":
            self.remove(path)
        self.tree[path] = thing


def lay_over(lower: dict[Path, Thing], upper: Unpacked, number: int) -> dict[Path, Thing]:
    """Return the tree of one more layer."""
    merged = dict(lower)

    def remove(path: Path, *, itself: bool) -> None:
        for other in [p for p in merged if p[: len(path)] == path and (itself or p != path)]:
            del merged[other]

    for path in upper.whiteouts:
        remove(path, itself=True)
    for path in upper.opaque:
        remove(path, itself=False)
    for path, thing in sorted(upper.tree.items(), key=lambda item: item[0]):
        found = lower.get(thing.lower, Thing("directory")) if thing.kind == "external" else thing
        if thing.kind == "external" and found.kind == "directory":
            continue  # it links to nothing
        below = merged.get(path)
        if below is not None and below.kind == found.kind == "directory":
            if thing.text != "implied":
                merged[path] = Thing("directory", layer=number)
            continue
        remove(path, itself=True)
        merged[path] = Thing(found.kind, "" if found.kind == "directory" else found.text, layer=number)
    return merged


def modelled(layers: list[list[Entry]]) -> dict[Path, Thing]:
    merged: dict[Path, Thing] = {}
    for number, entries in enumerate(layers):
        upper = Unpacked()
        for entry in entries:
            upper.add(entry)
        merged = lay_over(merged, upper, number)
    return merged


@given(LAYERS)
@settings(max_examples=800)
@example([[file("a/b")], [directory("a"), opaque("a"), file("a/c")], [whiteout("a")]])
@example([[symlink("a", "b"), file("a/c")]])
@example([[symlink("a", "b"), file("a/c"), symlink("a", "c"), file("a/b")]])
@example([[file("a")], [hardlink("b", "a"), whiteout("a")]])
def test_the_merged_view_is_the_model(layers: list[list[Entry]]) -> None:
    merged = view(
        *(layer(*entries, compress="plain") for entries in layers), interests=Interests((FileInterest("/**"),))
    )
    kinds = {Kind.FILE: "file", Kind.DIRECTORY: "directory", Kind.SYMLINK: "symlink"}
    found = {
        tuple(path[1:].split("/")): Thing(
            kinds[node.kind],
            merged.files[path].decode() if node.kind is Kind.FILE else node.target,
            layer=node.layer,
        )
        for path, node in merged.nodes.items()
        if path != "/"
    }
    assert found == modelled(layers)
    assert set(merged.files) == {path for path, node in merged.nodes.items() if node.kind is Kind.FILE}
