"""Which files' content is kept of an image: what interests name, the databases of packages, and how it starts.

The files that a container starts with are not known before the layers are read, only their names: the words of
Entrypoint and Cmd. A script of that name is kept wherever it lies, and the Python sources around the program with it,
so that the import graph can be followed without a second pass.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from compatbuild.image import packages
from compatbuild.image.interests import FileInterest, Interests, glob_pattern
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.limits import Limits
from compatbuild.image.paths import joined
from compatbuild.image.view import ImageConfig

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
"""Where os-release(5) puts the file, in the order in which it is looked for."""
MAX_WORDS = 64
"""Words of the command line that are taken for names of programs; a command line of a shell holds many."""
MAX_ROOTS = 16
"""Directories whose Python sources are kept."""

_WORD = re.compile(r"""[^\s;&|<>()"'`$=,]+""")
_PYTHON_SITES = ("/site-packages/", "/dist-packages/")
"""Where Python looks for distributions; a ``.pth`` file there adds directories to its path (Python's ``site``)."""
_SITES = (*_PYTHON_SITES, "/node_modules/")
_SYSTEM = tuple(f"/{name}/" for name in "bin boot dev etc lib lib64 opt proc run sbin sys usr var".split())
"""What is the distribution's in a root directory (FHS 3.0), when that is where the program lies too."""
_SHARED = frozenset(("/bin", "/usr/bin", "/usr/local/bin", "/usr", "/usr/lib", "/usr/local", "/usr/local/lib", "/lib"))
"""Directories of many programs, whose Python sources are not this one's."""


class _Rule(NamedTuple):
    """A glob with its literal texts, by which nearly every path is refused cheaply: at both ends, and the longest."""

    prefix: str
    suffix: str
    inside: str
    pattern: re.Pattern[str]
    limit: int
    end: bool

    def fits(self, path: str) -> bool:
        return self.inside in path and self.pattern.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Start:
    """What the config says of how the image starts: file names of programs, directories of Python sources."""

    names: frozenset[str] = frozenset()
    roots: tuple[str, ...] = ()

    @staticmethod
    def of(config: ImageConfig) -> "Start":
        """Read it from Entrypoint, Cmd, WorkingDir and PYTHONPATH."""
        words = [word for text in config.argv for word in _WORD.findall(text)][:MAX_WORDS]
        programs = [word for word in words if word[0] != "-" and posixpath.basename(word) not in ("", ".", "..")]
        working_dir = f"/{config.working_dir}"
        beside = [posixpath.dirname(posixpath.join(working_dir, word)) for word in programs if "/" in word]
        search = config.environment.get("PYTHONPATH", "").split(":")
        roots = [joined(path.split("/")) or "/" for path in (working_dir, *beside, *search) if path.startswith("/")]
        return Start(
            names=frozenset(posixpath.basename(word) for word in programs),
            roots=tuple(dict.fromkeys(root for root in roots if root not in _SHARED))[:MAX_ROOTS],
        )

    @staticmethod
    def union(starts: Iterable["Start"]) -> "Start":
        """Join how several images start, for a layer that they share; the order does not matter."""
        every = tuple(starts)
        return Start(
            names=frozenset().union(*(start.names for start in every)),
            roots=tuple(sorted({root for start in every for root in start.roots})),
        )

    def covers(self, other: "Start") -> bool:
        """Say whether what is kept for this start includes what is kept for another."""
        return self.names >= other.names and set(self.roots) >= set(other.roots)


class Wanted:
    """Answers, for each file of a layer, how much of it to keep; made once an image, asked for every member."""

    def __init__(self, interests: Interests, start: Start, limits: Limits) -> None:
        self.interests = interests
        self.start = start
        self.limits = limits
        files = [*interests.files, *(FileInterest(path) for path in OS_RELEASE)]
        if interests.packages:
            files += packages.files(limits)
        files += [FileInterest(f"/**{site}*.pth", limits.script) for site in _PYTHON_SITES]
        rules = [_rule(interest) for interest in files]
        self._roots = tuple(f"{root}/" for root in start.roots if root != "/")
        self._at_root = "/" in start.roots
        # A path is looked at closely only if it begins, or ends, as some rule does.
        self._placed = [rule for rule in rules if len(rule.prefix) > 1]
        self._prefixes = tuple({rule.prefix for rule in self._placed})
        self._endings: dict[str, list[_Rule]] = {}
        for rule in rules:
            if len(rule.prefix) <= 1:
                self._endings.setdefault(rule.suffix, []).append(rule)
        self._suffixes = tuple(self._endings)
        sources = (".py",) if start.roots else ()
        self._near = (*self._suffixes, *sources)
        self._inside = (*{rule.inside for rule in rules if len(rule.prefix) <= 1}, *sources)

    @cached_property
    def told(self) -> str:
        """All that is wanted whatever the image is started with: the digest of interests and limits."""
        return sha256(f"{self.interests!r} {self.limits!r}".encode()).hexdigest()

    @property
    def elf(self) -> bool:
        """Whether anything in an ELF file is of interest."""
        i = self.interests
        return bool(i.elf or i.device_code or i.bpf or i.go or i.markers)

    def near(self, path: str) -> bool:
        """Say whether a path may be wanted at all; true for few that are not, and cheap."""
        if path.startswith(self._prefixes) or (path.endswith(self._near) and any(map(path.__contains__, self._inside))):
            return True
        return _name(path) in self.start.names

    def limit(self, path: str) -> int:
        """Return how many bytes of a file to keep, 0 for none."""
        script = self.limits.script if _name(path) in self.start.names else 0
        return max((rule.limit for rule in self._fitting(path) if rule.limit > script), default=script)

    def from_end(self, path: str) -> bool:
        """Say whether a file's last bytes are to be kept, and not its first."""
        return any(rule.end for rule in self._fitting(path))

    def _fitting(self, path: str) -> list[_Rule]:
        found = []
        if path.startswith(self._prefixes):
            found += [rule for rule in self._placed if path.startswith(rule.prefix) and rule.fits(path)]
        if path.endswith(self._suffixes):
            for suffix, rules in self._endings.items():
                if path.endswith(suffix):
                    found += [rule for rule in rules if rule.fits(path)]
        return found

    def condenses(self, path: str) -> bool:
        """Say whether nothing of a file but the packages that it lists is wanted."""
        return self.interests.packages and packages.is_database(path) and not self.interests.file_limit(path)

    def narrowed(self, facts: LayerFacts) -> LayerFacts:
        """Leave out what was kept of a layer for other images: content that is not wanted by the name it was kept for.

        So facts are the same whether they were read for this image, for several, or came out of a cache.
        """
        kept = {}
        for path, content in facts.files.items():
            size, name = len(content), facts.copies.get(path, path)
            if packages.is_condensed(content):
                kept[path] = content
                continue
            limit = self.limit(name) or (size if self.is_source(name, size) else 0)
            if limit:
                kept[path] = content if size <= limit else content[-limit:] if self.from_end(name) else content[:limit]
        return facts if kept == facts.files else replace(facts, files=kept)

    def is_source(self, path: str, size: int) -> bool:
        """Say whether a file is a Python source of the program itself: whole or not at all, for half of one is none."""
        return (
            path.endswith(".py")
            and size <= self.limits.python_source
            and (path.startswith(self._roots) or (self._at_root and not path.startswith(_SYSTEM)))
            and not any(part in path for part in _SITES)
        )


def _name(path: str) -> str:
    return path[path.rfind("/") + 1 :]


def _rule(interest: FileInterest) -> _Rule:
    glob = interest.glob
    literal = re.split(r"[*?]", glob)
    suffix = literal[-1] if len(literal) > 1 else ""
    longest = max(glob.replace("**/", "*").replace("?", "*").split("*"), key=len)
    return _Rule(literal[0], suffix, longest, glob_pattern(glob), interest.limit, interest.end)
