"""The merged view of an image that inference and detectors ask: paths, ELF facts, packages, config, reachability."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests, declared, glob_pattern
from compatbuild.model.finding import Confidence, Evidence

MAX_STATEMENT = 500
"""Characters of a piece of evidence's sentence; names from an image can be as long as its author likes."""

MAX_LINKS = 40
"""Symbolic links followed in one path before it counts as a loop; the kernel's own limit (path_resolution(7))."""


class Kind(StrEnum):
    """What a path is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Node:
    """One path of the merged tree; ``layer`` indexes the layer it comes from, ``target`` is a link's text."""

    kind: Kind
    layer: int
    size: int = 0
    mode: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; ``path`` is where it is recorded.

    ``ecosystem`` is ``deb``, ``rpm``, ``apk``, ``pypi``, ``conda`` or ``spack``; ``architecture`` its own, for
    ``spack`` the micro-architecture it was built for.
    """

    ecosystem: str
    name: str
    version: str
    path: str
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The runtime part of an image config, as the OCI image specification names it.

    ``history`` holds the ``created_by`` texts, oldest first, and ``layered`` whether each of these steps made a layer.
    """

    architecture: str = ""
    os: str = "linux"
    variant: str = ""
    os_version: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = "/"
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    layered: tuple[bool, ...] = ()
    diff_ids: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """Return ``os/architecture[/variant]``."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def environment(self) -> dict[str, str]:
        """Return Env as a mapping; a later entry wins, as in a process."""
        return dict(entry.split("=", 1) for entry in self.env if "=" in entry)

    @property
    def argv(self) -> tuple[str, ...]:
        """Return what a container runs by default: Entrypoint, then Cmd."""
        return self.entrypoint + self.cmd


@dataclass(frozen=True, slots=True)
class Reach:
    """How the default program comes to a file: how surely, and through which files, the entrypoint first."""

    confidence: Confidence
    chain: tuple[str, ...]


@dataclass(frozen=True)
class ImageView:
    """An image after the merge of its layers.

    Paths are absolute and normal (no ``.``, ``..``, ``//``). ``elves`` and ``files`` hold only real paths, never
    links. ``reached`` and ``commands`` (command lines whose program is in the image, and how surely they are run) are
    filled by the inference engine before detectors run; ``entrypoint_known`` is false when the image has no program of
    its own (no Entrypoint and no Cmd, or only an interactive shell), so that anything in it may be what it is for.
    """

    config: ImageConfig
    layers: tuple[str, ...]  # diff IDs, oldest first; "" for a bare directory
    nodes: Mapping[str, Node]
    elves: Mapping[str, ElfFacts]
    files: Mapping[str, bytes]
    packages: tuple[Package, ...] = ()
    os_release: Mapping[str, str] = field(default_factory=dict)
    reached: Mapping[str, Reach] = field(default_factory=dict)
    commands: Mapping[tuple[str, ...], Confidence] = field(default_factory=dict)
    entrypoint_known: bool = False
    limits: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def resolve(self, path: str, base: str = "/") -> str | None:
        """Follow links inside the tree, as the kernel would under chroot; None when nothing is there or it loops."""
        todo = [part for part in posixpath.join("/", base, path).split("/") if part]
        todo.reverse()
        current, links = "/", 0
        while todo:
            part = todo.pop()
            if part == ".":
                continue
            if part == "..":
                current = posixpath.dirname(current)
                continue
            candidate = posixpath.join(current, part)
            node = self.nodes.get(candidate)
            if node is None:
                return None
            if node.kind is not Kind.SYMLINK:
                current = candidate
                continue
            links += 1
            if links > MAX_LINKS:
                return None
            if node.target.startswith("/"):
                current = "/"
            todo.extend(reversed([piece for piece in node.target.split("/") if piece]))
        return current

    def layer_of(self, path: str) -> str:
        """Return the diff ID of the layer that a path comes from, or an empty string."""
        node = self.nodes.get(path)
        return self.layers[node.layer] if node is not None and 0 <= node.layer < len(self.layers) else ""


class UndeclaredInterestError(Exception):
    """A detector asked for something it had not declared: a defect of the detector, reported as ``skipped``."""


@dataclass(frozen=True)
class DetectorView:
    """What one detector may see of an image: exactly what its interests name."""

    image: ImageView
    detector: str
    interests: Interests

    def _need(self, granted: bool, what: str) -> None:  # noqa: FBT001 - a plain condition reads best here
        if not granted:
            raise UndeclaredInterestError(f"{self.detector} asked for {what} without declaring it")

    def elves(self) -> Iterator[tuple[str, ElfFacts]]:
        """Yield every ELF file with its path, in path order."""
        self._need(self.interests.elf, "ELF facts")
        for path in sorted(self.image.elves):
            yield path, self.image.elves[path]

    def files(self, glob: str) -> Iterator[tuple[str, bytes]]:
        """Yield path and kept content of the files of one declared glob, in path order."""
        self._need(any(glob == f.glob for f in self.interests.files), f"files {glob}")
        pattern = glob_pattern(glob)
        for path in sorted(self.image.files):
            if pattern.fullmatch(path):
                yield path, self.image.files[path]

    def exists(self, path: str) -> bool:
        """Say whether a path exists, links followed."""
        return self.image.resolve(path) is not None

    def real_path(self, path: str) -> str | None:
        """Return where a path leads when links are followed; None when nothing is there."""
        return self.image.resolve(path)

    def names(self, glob: str) -> Iterator[str]:
        """Yield the paths of regular files that match a glob, in path order; names need no interest, content does."""
        pattern, literal = glob_pattern(glob), max(re.split(r"[*?]+/?", glob), key=len)  # which refuses nearly all
        found = (path for path, node in self.image.nodes.items() if literal in path and node.kind is Kind.FILE)
        yield from sorted(path for path in found if pattern.fullmatch(path))

    def reached(self) -> Iterator[str]:
        """Yield the files that the default program comes to, in path order."""
        yield from sorted(self.image.reached)

    def commands(self) -> Iterator[tuple[tuple[str, ...], Confidence]]:
        """Yield the command lines that the default program is seen to run, and how surely, in order of their words."""
        yield from sorted(self.image.commands.items())

    def packages(self, *names: str, ecosystem: str = "") -> Iterator[Package]:
        """Yield installed packages, of these names (all if none is given) and this ecosystem (any if empty)."""
        self._need(self.interests.packages, "packages")
        for package in self.image.packages:
            if (not names or package.name in names) and ecosystem in ("", package.ecosystem):
                yield package

    def env(self) -> dict[str, str]:
        """Return the environment variables that were declared and are set."""
        return {k: v for k, v in self.image.config.environment.items() if declared(k, self.interests.env)}

    def labels(self) -> dict[str, str]:
        """Return the labels that were declared and are set."""
        return {k: v for k, v in self.image.config.labels.items() if declared(k, self.interests.labels)}

    def config(self, name: str) -> str:
        """Return a declared scalar field of the config: ``architecture``, ``variant``, ``os``, ``os_version``."""
        self._need(name in self.interests.config, f"config field {name}")
        value = getattr(self.image.config, name)
        return value if isinstance(value, str) else ""

    def history(self) -> tuple[str, ...]:
        """Return what made each step of the image, oldest first; it may hold secrets that were build arguments."""
        self._need("history" in self.interests.config, "the history")
        return self.image.config.history

    @property
    def os_release(self) -> Mapping[str, str]:
        """Return the parsed os-release of the image; empty when there is none."""
        return self.image.os_release

    @property
    def entrypoint_known(self) -> bool:
        """Say whether the image names a program of its own (see ``ImageView``)."""
        return self.image.entrypoint_known

    def reach(self, path: str) -> Reach | None:
        """Say how the image's default program comes to ``path``; None when it does not, as far as can be seen."""
        return self.image.reached.get(path)

    def confidence(self, path: str, ceiling: Confidence = Confidence.PROVEN) -> Confidence:
        """Return how sure it is that the file at ``path`` is used, at most ``ceiling``.

        An unreached file is a hint; in an image without a program of its own it is likely.
        """
        order = (Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT)
        reach = self.reach(path)
        if reach is not None:
            found = reach.confidence
        else:
            found = Confidence.HINT if self.entrypoint_known else Confidence.LIKELY
        return max(found, ceiling, key=order.index)

    def at(self, path: str, statement: str, locator: str = "") -> Evidence:
        """Make a piece of evidence about a file, naming the layer it comes from."""
        return Evidence(
            detector=self.detector,
            layer=self.image.layer_of(path),
            path=path,
            locator=locator,
            statement=statement[:MAX_STATEMENT],
        )

    def at_config(self, field_name: str, statement: str, locator: str = "") -> Evidence:
        """Make a piece of evidence about a field of the image config, such as ``Env``."""
        return Evidence(
            detector=self.detector, path=f"config.{field_name}", locator=locator, statement=statement[:MAX_STATEMENT]
        )
