"""What a Python program imports: modules from its syntax tree, and the distributions of the image they come from."""

import ast
import csv
import io
import posixpath
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from compatbuild.image.interests import FileInterest
from compatbuild.image.view import ImageView

FILES = (
    FileInterest("/**/*.dist-info/METADATA", 262_144),
    FileInterest("/**/*.dist-info/RECORD", 4_194_304),
)
MAX_SOURCE = 262_144
"""Largest Python source parsed, in bytes; the parser's memory grows with it."""

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "OSError"})


class Import(NamedTuple):
    """One import: the dotted module, the number of leading dots, and whether the program always executes it."""

    module: str
    level: int = 0
    certain: bool = True


def imports(source: bytes) -> Iterator[Import]:
    """Yield the imports of a source.

    An import is certain when it stands at module level, outside ``if`` and outside a ``try`` that handles its failure.
    A source that does not parse yields nothing.
    """
    if len(source) > MAX_SOURCE:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the image's source may hold invalid escapes; that is not our news
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what ast.parse raises on hostile text
        return
    todo: list[tuple[ast.AST, bool]] = [(tree, True)]
    while todo:
        node, certain = todo.pop()
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, 0, certain) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", node.level, certain)
            prefix = f"{node.module}." if node.module else ""
            yield from (Import(prefix + alias.name, node.level, certain) for alias in node.names)
        inner = certain and not _may_not_run(node)
        todo.extend((child, inner) for child in ast.iter_child_nodes(node))


def _may_not_run(node: ast.AST) -> bool:
    """Say whether what is inside a node runs only sometimes."""
    if isinstance(node, ast.Try):
        return _catches_import_error(node)
    if isinstance(node, ast.If):
        return not _is_main_guard(node)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _catches_import_error(node: ast.Try) -> bool:
    for handler in node.handlers:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(c is None or (isinstance(c, ast.Name) and c.id in _IMPORT_ERRORS) for c in caught):
            return True
    return False


def _is_main_guard(node: ast.If) -> bool:
    return (
        isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Name) and node.test.left.id == "__name__"
    )


@dataclass(frozen=True)
class Distribution:
    """An installed distribution: normalised name, names of those it requires unconditionally, and its files."""

    name: str
    requires: tuple[str, ...]
    files: tuple[str, ...]


def normalise(name: str) -> str:
    """Return a project name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class PythonTree:
    """The Python side of an image: distributions, and modules by the distribution that provides them."""

    view: ImageView

    @cached_property
    def distributions(self) -> dict[str, Distribution]:
        """Return the distributions by normalised name; later site directories do not hide earlier ones."""
        found: dict[str, Distribution] = {}
        for path in sorted(self.view.files):
            if path.endswith(".dist-info/RECORD"):
                directory = posixpath.dirname(path)
                metadata = self.view.files.get(f"{directory}/METADATA", b"")
                name = normalise(posixpath.basename(directory).removesuffix(".dist-info").rsplit("-", 1)[0])
                files = tuple(_record_files(posixpath.dirname(directory), self.view.files[path]))
                found.setdefault(name, Distribution(name, tuple(_requires(metadata)), files))
        return found

    @cached_property
    def providers(self) -> dict[str, set[str]]:
        """Return the distributions that provide each top-level module."""
        table: dict[str, set[str]] = {}
        for dist in self.distributions.values():
            for path in dist.files:
                head, _, rest = _inside_site(path).partition("/")
                if head and ".dist-info" not in head and (rest or head.endswith((".py", ".so"))):
                    table.setdefault(head.partition(".")[0], set()).add(dist.name)
        return table

    @cached_property
    def _libraries(self) -> dict[str, list[str]]:
        """Return the paths of shared libraries by soname, or by file name where there is none."""
        table: dict[str, list[str]] = {}
        for path in sorted(self.view.elves):
            name = self.view.elves[path].soname or posixpath.basename(path)
            table.setdefault(name, []).append(path)
        return table

    def preloaded(self, soname: str, path: str) -> str | None:
        """Return the library that an extension module's package loads itself, before the module asks for it.

        Packages such as mpi4py and those over the ``nvidia-*`` wheels open libraries of their own environment by path,
        which the loader's search path does not show. Only the one library of that name in the same environment counts;
        where there are several it is not known which.
        """
        site = next((mark for mark in ("/site-packages/", "/dist-packages/") if mark in path), "")
        if not site:
            return None
        prefix = posixpath.dirname(posixpath.dirname(path.rpartition(site)[0])).rstrip("/")
        found = [other for other in self._libraries.get(soname, ()) if other.startswith(f"{prefix}/")]
        return found[0] if len(found) == 1 and found[0] != path else None

    def closure(self, names: set[str]) -> Iterator[Distribution]:
        """Yield the named distributions and, transitively, those they require without an extra."""
        todo, seen = sorted(names), set()
        while todo:
            name = todo.pop()
            dist = self.distributions.get(name)
            if dist is None or name in seen:
                continue
            seen.add(name)
            yield dist
            todo += dist.requires

    def local_module(self, module: str, directories: tuple[str, ...]) -> str | None:
        """Return the kept source file of a module that lies beside the program, or None."""
        relative = module.replace(".", "/")
        for directory in directories:
            for candidate in (f"{directory}/{relative}.py", f"{directory}/{relative}/__init__.py"):
                path = posixpath.normpath(candidate)
                if path in self.view.files:
                    return path
        return None


def _inside_site(path: str) -> str:
    """Return the part of a path below its site directory, or an empty string when it is elsewhere."""
    for marker in ("/site-packages/", "/dist-packages/"):
        before, found, rest = path.rpartition(marker)
        if found and before:
            return rest
    return ""


def _record_files(site: str, record: bytes) -> Iterator[str]:
    text = record.decode("utf-8", "replace").replace("\0", "")
    for row in csv.reader(io.StringIO(text)):
        if row:
            yield posixpath.normpath(posixpath.join(site, row[0]))


def _requires(metadata: bytes) -> Iterator[str]:
    """Yield the names of unconditional requirements; one behind an extra is optional by definition."""
    header = metadata.partition(b"\n\n")[0].decode("utf-8", "replace")
    for line in header.splitlines():
        if line.startswith("Requires-Dist:") and "extra ==" not in line and "extra==" not in line:
            match = re.match(r"[A-Za-z0-9._-]+", line.removeprefix("Requires-Dist:").strip())
            if match:
                yield normalise(match.group())
