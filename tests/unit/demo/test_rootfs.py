"""The base layer made of this machine: whole, closed, and free of what no program needs."""

import posixpath
import re
from pathlib import Path

import pytest

from demo.closure import Loader, elf
from demo.rootfs import LEFT_OUT, WHEEL_LIBRARIES, Python, base_layer
from demo.tree import Directory, File, Link, Tree


@pytest.fixture(scope="module")
def tree() -> Tree:
    return base_layer(Python.running(), Loader.of_machine())


def resolved(tree: Tree, path: str, depth: int = 40) -> File | Directory | None:
    """Return what a path of the image leads to, links in every part of it followed."""
    assert depth, f"{path}: too many links"
    parts = path.strip("/").split("/")
    for index in range(1, len(parts) + 1):
        head = "/" + "/".join(parts[:index])
        match tree.get(head):
            case Link(target):
                rest = "/".join(parts[index:])
                return resolved(
                    tree, posixpath.normpath(posixpath.join(posixpath.dirname(head), target, rest)), depth - 1
                )
            case File() | Directory() as entry if index == len(parts):
                return entry
    return None


def test_every_link_leads_somewhere(tree: Tree) -> None:
    links = [path for path, entry in tree.items() if isinstance(entry, Link)]
    assert links
    assert [path for path in links if resolved(tree, path) is None] == []


def test_every_library_is_where_the_loader_looks_without_a_cache(tree: Tree) -> None:
    home = next(posixpath.dirname(path) for path in tree if path.endswith("/libc.so.6"))
    needed: set[str] = set(WHEEL_LIBRARIES)
    for entry in tree.values():
        if isinstance(entry, File) and isinstance(entry.content, Path) and (asked := elf(entry.content)):
            needed |= {posixpath.basename(name) for name in asked.needed}
            if asked.interpreter:
                assert isinstance(resolved(tree, asked.interpreter), File)
    assert [name for name in sorted(needed) if not isinstance(resolved(tree, f"{home}/{name}"), File)] == []


def test_python_and_its_library_are_there(tree: Tree) -> None:
    python = Python.running()
    program = resolved(tree, python.place(python.binary))
    assert isinstance(program, File)
    assert program.executable
    library = [path for path in tree if path.endswith(f"/python{python.version}/os.py")]
    assert len(library) == 1
    directories = {part for path in tree if path.startswith(posixpath.dirname(library[0])) for part in path.split("/")}
    assert not directories & LEFT_OUT


def test_it_is_a_root_file_system(tree: Tree) -> None:
    assert isinstance(resolved(tree, "/bin/sh"), File)
    release = resolved(tree, "/etc/os-release")
    assert isinstance(release, File)
    assert re.search(rb"^ID=", release.read(), re.MULTILINE)
    assert tree["/tmp"] == Directory(0o1777)


def test_a_python_outside_usr_moves_to_usr_local() -> None:
    assert Python(Path("/home/me/python")).place(Path("/home/me/python/bin/python3.11")) == "/usr/local/bin/python3.11"
    assert Python(Path("/home/me/python")).place(Path("/usr/lib/libz.so.1")) == "/usr/lib/libz.so.1"
    assert Python(Path("/usr")).place(Path("/usr/bin/python3.11")) == "/usr/bin/python3.11"
