"""How the image's default program comes to each file, which decides how sure a finding about that file is.

From Entrypoint and Cmd through wrappers, links and ``#!``: what an ELF program needs by DT_NEEDED is *proven*; what a
script plainly runs, and what a Python program imports unconditionally, is *likely*; everything else is not reached.
(Reference: inference.md §2.)
"""

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from compatbuild.image.interests import Interests
from compatbuild.image.view import ImageView, Kind, Reach
from compatbuild.inference import library_search, python_imports, shell
from compatbuild.inference.library_search import LibrarySearch
from compatbuild.inference.python_imports import PythonTree
from compatbuild.model.finding import Confidence

INTERESTS = Interests(files=library_search.FILES + python_imports.FILES, elf=True)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAUNCHERS = frozenset({"mpirun", "mpiexec", "mpiexec.hydra", "orterun", "prterun", "srun"})
"""Programs that start the program named in their arguments, after options of their own."""
MAX_DEPTH = 16
"""Scripts, interpreters and wrappers followed one from another; real images stay below five."""
MAX_COMMANDS = 2000
"""Command lines followed in one image, so that scripts which call each other cannot multiply."""


def with_reachability(view: ImageView) -> ImageView:
    """Return the view with ``reached``, ``commands`` and ``entrypoint_known`` filled in."""
    walk = _Walk(view)
    known = walk.command(view.config.argv, Confidence.PROVEN, ())
    walk.finish()
    limits = view.limits + walk.limits
    return replace(view, reached=walk.reached, commands=walk.commands, entrypoint_known=known, limits=limits)


@dataclass
class _Walk:
    """One breadth-first walk; a file keeps the surest way to it, and among equals the shortest."""

    view: ImageView
    reached: dict[str, Reach] = field(default_factory=dict)
    commands: dict[tuple[str, ...], Confidence] = field(default_factory=dict)
    _queue: deque[tuple[str, Reach, str]] = field(default_factory=deque)
    _followed: set[tuple[str, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._libraries = LibrarySearch(self.view)
        self._python = PythonTree(self.view)

    def _mark(self, path: str, confidence: Confidence, chain: tuple[str, ...], main: str = "") -> None:
        self._queue.append((path, Reach(confidence, (*chain, path)), main or path))

    @property
    def limits(self) -> tuple[str, ...]:
        """What was not followed."""
        return self._libraries.limits

    def finish(self) -> None:
        """Follow DT_NEEDED from everything marked, surest first."""
        for level in (Confidence.PROVEN, Confidence.LIKELY):
            todo = deque(item for item in self._queue if item[1].confidence is level)
            while todo:
                path, reach, main = todo.popleft()
                if path in self.reached:
                    continue
                self.reached[path] = reach
                todo.extend(self._needed(path, reach, main))

    def _needed(self, path: str, reach: Reach, main: str) -> Iterator[tuple[str, Reach, str]]:
        elf = self.view.elves.get(path)
        if elf is None:
            return
        main_elf = self.view.elves.get(main, elf)
        found = [
            self._libraries.find(name, path, elf, main_elf, main) or self._python.preloaded(name, path)
            for name in elf.needed
        ]
        found.append(self.view.resolve(elf.interpreter) if elf.interpreter else None)
        for target in found:
            if target is not None and target not in self.reached:
                yield target, Reach(reach.confidence, (*reach.chain, target)), main

    def command(self, argv: Sequence[str], confidence: Confidence, chain: tuple[str, ...]) -> bool:
        """Follow one command line; say whether it names a program of its own."""
        line = tuple(argv)
        if not argv or len(chain) > MAX_DEPTH or len(self._followed) > MAX_COMMANDS:
            return False
        if line in self._followed:  # a script that runs itself, or the same thing a hundred times
            return True
        self._followed.add(line)
        program = self._which(argv[0])
        if program is None:
            return False
        self.commands[line] = confidence
        self._mark(program, confidence, chain)
        return self._follow(program, line, confidence, (*chain, program))

    def _follow(self, program: str, line: tuple[str, ...], confidence: Confidence, chain: tuple[str, ...]) -> bool:
        """Follow what a program does with its arguments."""
        name, arguments = posixpath.basename(line[0]), list(line[1:])
        inner = shell.unwrap(line)
        if inner != line:
            return self.command(inner, confidence, chain)
        if name in shell.SHELLS:
            return self._shell(arguments, confidence, chain)
        if name.startswith(("python", "pypy")):
            return self._python_program(arguments, chain)
        if name in LAUNCHERS:
            self._launched(arguments, chain)
        return self._script(program, arguments, confidence, chain)

    def _which(self, word: str) -> str | None:
        base = self.view.config.working_dir or "/"
        if "/" in word:
            found = self.view.resolve(word, base)
            return found if found and self.view.nodes[found].kind is Kind.FILE else None
        for directory in self.view.config.environment.get("PATH", DEFAULT_PATH).split(":"):
            found = self.view.resolve(posixpath.join(directory or ".", word), base)
            if found and self.view.nodes[found].kind is Kind.FILE:
                return found
        return None

    def _shell(self, arguments: list[str], confidence: Confidence, chain: tuple[str, ...]) -> bool:
        while arguments and arguments[0].startswith(("-", "+")):
            option = arguments.pop(0)
            if option.startswith("-") and not option.startswith("--") and "c" in option:
                self._commands(arguments[0] if arguments else "", arguments[1:], chain)
                return True
        return bool(arguments) and self._script_file(arguments, confidence, chain)

    def _script_file(self, arguments: list[str], confidence: Confidence, chain: tuple[str, ...]) -> bool:
        path = self._which(arguments[0])
        if path is None:
            return False
        self._mark(path, confidence, chain)
        text = self.view.files.get(path, b"").decode("utf-8", "replace")
        self._commands(text, arguments[1:], (*chain, path))
        return True

    def _commands(self, text: str, arguments: list[str], chain: tuple[str, ...]) -> None:
        for words in shell.commands(text):
            self.command(arguments if words[0] == shell.ARGUMENTS else words, Confidence.LIKELY, chain)

    def _script(self, path: str, arguments: list[str], confidence: Confidence, chain: tuple[str, ...]) -> bool:
        """Follow a ``#!`` line; a program without one, ELF or not, is a program of its own."""
        head = self.view.files.get(path, b"")
        if not head.startswith(b"#!"):
            return True
        line = head.split(b"\n", 1)[0][2:].decode("utf-8", "replace").split(None, 1)
        words = tuple(word for part in line for word in part.split())
        if words and posixpath.basename(words[0]) == "env":
            words = shell.unwrap(words)
        if not words:
            return False
        self.command((*words, path, *arguments), confidence, chain)
        return True

    def _launched(self, arguments: list[str], chain: tuple[str, ...]) -> None:
        """Follow what an MPI launcher starts: its first argument that is a program of the image."""
        for index, word in enumerate(arguments):
            if not word.startswith("-") and not word.isdigit() and self._which(word):
                self.command(arguments[index:], Confidence.LIKELY, chain)
                return

    def _python_program(self, arguments: list[str], chain: tuple[str, ...]) -> bool:
        """Follow the imports of ``python SCRIPT``, ``python -m MODULE`` or ``python -c CODE``."""
        working_dir = self.view.config.working_dir or "/"
        while arguments:
            word = arguments.pop(0)
            if word == "-m" and arguments:
                self._imported([python_imports.Import(arguments[0])], (working_dir,), chain)
                return True
            if word == "-c" and arguments:
                self._imported(python_imports.imports(arguments[0].encode()), (working_dir,), chain)
                return True
            if word in ("-W", "-X") and arguments:
                arguments.pop(0)
            elif not word.startswith("-"):
                return self._python_script(word, chain)
        return False

    def _python_script(self, word: str, chain: tuple[str, ...]) -> bool:
        path = self.view.resolve(word, self.view.config.working_dir or "/")
        if path is None:
            return False
        if self.view.nodes[path].kind is Kind.DIRECTORY:
            path = posixpath.join(path, "__main__.py")
        self._mark(path, Confidence.PROVEN, chain)
        source = self.view.files.get(path, b"")
        self._imported(python_imports.imports(source), (posixpath.dirname(path),), (*chain, path))
        return True

    def _imported(self, found: Iterable[python_imports.Import], where: tuple[str, ...], chain: tuple[str, ...]) -> None:
        """Mark what imports lead to: local modules are followed, distributions are marked with all they require."""
        extra = self.view.config.environment.get("PYTHONPATH", "")
        path = where + tuple(entry for entry in extra.split(":") if entry.startswith("/"))
        todo = deque((item, where[0], chain) for item in found if item.certain)
        seen: set[str] = set()
        names: dict[str, tuple[str, ...]] = {}
        while todo:
            item, here, way = todo.popleft()
            places = (posixpath.normpath(posixpath.join(here, "../" * (item.level - 1))),) if item.level else path
            local = self._python.local_module(item.module, places)
            if local is None:
                for name in self._python.providers.get(item.module.partition(".")[0], ()) if not item.level else ():
                    names.setdefault(name, way)
            elif local not in seen:
                seen.add(local)
                self._mark(local, Confidence.LIKELY, way)
                inner = python_imports.imports(self.view.files[local])
                todo.extend((i, posixpath.dirname(local), (*way, local)) for i in inner if i.certain)
        self._distributions(names)

    def _distributions(self, names: dict[str, tuple[str, ...]]) -> None:
        for name, way in sorted(names.items()):
            for dist in self._python.closure({name}):
                for path in dist.files:
                    if path in self.view.nodes:
                        self._mark(path, Confidence.LIKELY, (*way, f"distribution {dist.name}"))
