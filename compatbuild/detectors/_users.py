"""Who in an image uses something: the programs, packages and needed libraries that rows of knowledge name."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from compatbuild.detectors._sonames import needed
from compatbuild.detectors._uses import MACHINES, Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.kernel import Users
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

INTERESTS = Interests(elf=True, packages=True, config=("architecture",))
"""What a detector that asks for uses must declare, or more."""

SYSTEMS = frozenset({"deb", "rpm", "apk"})
"""Where the package names of the rows come from; a Python project called ``perf`` is another thing."""

PROGRAMS = ("/**/*bin/*", "/*")
"""Where programs lie, and no large libraries: places in which looking for a text costs little."""

U = TypeVar("U", bound=Users)


def uses(view: DetectorView, row: Row[Users]) -> list[Use]:
    """Return the uses that one row of knowledge describes (see ``uses_of``)."""
    return uses_of(view, {"": row})[""]


def uses_of(view: DetectorView, rows: Mapping[str, Row[U]]) -> dict[str, list[Use]]:
    """Return the uses that each row of knowledge describes, by the row's key; a use is likely at most.

    A program counts when it is reached, or present in an image without a program of its own; so does a package, whose
    files are not looked up. Whoever needs a library counts only when reached: a library drags many others in. What can
    do without, by itself or with a substitute, makes a hint.
    """
    return _Search(view, rows).done()


class _Search:
    """One pass over an image's files and packages for the users of many things."""

    def __init__(self, view: DetectorView, rows: Mapping[str, Row[U]]) -> None:
        self._view = view
        self._found: dict[str, list[Use]] = {key: [] for key in rows}
        self._aside: set[str] = set()  # whose library something in the image uses only for a side feature
        machine = MACHINES.get(view.config("architecture"), "")

        def names(of: Callable[[Users], Iterable[str]]) -> _Names:
            return _Names((n.replace("{machine}", machine), key) for key, row in rows.items() for n in of(row.value))

        self._programs = names(lambda users: users.programs)
        self._called = names(lambda users: users.called)
        self._optional = names(lambda users: users.optional)
        self._libraries = names(lambda users: users.libraries)
        self._incidental = names(lambda users: users.incidental)
        self._packages = names(lambda users: users.packages)
        self._library_packages = names(lambda users: users.library_packages)
        spared = self._spared(names(lambda users: users.substitutes))
        self._ceilings = {key: _ceiling(row, spared=key in spared) for key, row in rows.items()}

    def done(self) -> dict[str, list[Use]]:
        """Return what there is."""
        elves = set()
        for path, elf in self._view.elves():
            elves.add(path)
            self._program(path)
            self._needs(path, elf)
        for path in self._view.reached():
            if path not in elves:  # a script
                self._program(path)
        self._installed()
        return self._found

    def _spared(self, substitutes: "_Names") -> set[str]:
        """Return the rows that have a substitute in the image."""
        if not substitutes:
            return set()
        return {key for path, _ in self._view.elves() for key in substitutes.of(posixpath.basename(path))}

    def _use(self, key: str, confidence: Confidence, path: str, statement: str, locator: str = "") -> None:
        found = weakest(confidence, self._ceilings[key])
        self._found[key].append(Use(found, self._view.at(path, statement, locator)))

    def _program(self, path: str) -> None:
        name = posixpath.basename(path)
        for key in self._programs.of(name):
            self._use(key, self._view.confidence(path), path, f"The program {name} is in the image")
        if self._view.reach(path) is not None:
            for key in self._called.of(name):
                self._use(key, self._view.confidence(path), path, f"The default program calls {name}")
        for key in self._optional.of(name):
            self._use(key, Confidence.HINT, path, f"The program {name} can use it")

    def _needs(self, path: str, elf: ElfFacts) -> None:
        name = posixpath.basename(path)
        for library in needed(elf) if self._libraries else ():
            for key in self._libraries.of(library):
                aside = key in self._incidental.of(name)
                if aside:
                    self._aside.add(key)
                unused = aside or self._view.reach(path) is None
                found = Confidence.HINT if unused else self._view.confidence(path)
                self._use(key, found, path, f"{name} needs {library}", "DT_NEEDED")

    def _installed(self) -> None:
        """Count packages; one of a library alone says nothing where a side feature explains why it is there."""
        for package in self._view.packages():
            if package.ecosystem not in SYSTEMS:
                continue
            said = f"Package {package.name} {package.version} is installed"
            present = Confidence.HINT if self._view.entrypoint_known else Confidence.LIKELY
            for key in self._packages.of(package.name):
                self._use(key, present, package.path, said, package.name)
            for key in self._library_packages.of(package.name):
                found = Confidence.HINT if key in self._aside else present
                self._use(key, found, package.path, said, package.name)


def _ceiling(row: Row[U], *, spared: bool) -> Confidence:
    """Return the strongest confidence that a use by this row may have."""
    if spared or row.value.fallback:
        return Confidence.HINT
    return weakest(Confidence.LIKELY, row.grade.ceiling)


class _Names:
    """Keys by names, some of them with ``*``; nearly every name is told apart by the plain ones alone."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        plain: defaultdict[str, list[str]] = defaultdict(list)
        globs: list[tuple[str, str]] = []
        for name, key in pairs:
            if "*" in name:
                globs.append((name, key))
            else:
                plain[name].append(key)
        self._plain = dict(plain)
        self._globs = globs

    def __bool__(self) -> bool:
        return bool(self._plain or self._globs)

    def of(self, name: str) -> Iterator[str]:
        """Yield the keys of a name."""
        yield from self._plain.get(name, ())
        for glob, key in self._globs:
            if fnmatchcase(name, glob):
                yield key
