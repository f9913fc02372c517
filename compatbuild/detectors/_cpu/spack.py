"""Spack's installations, which record the processor that the compiler was told to compile for."""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compatbuild.detectors._cpu.claims import Claim, claims_of, native
from compatbuild.detectors._uses import Use, strongest, weakest
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

SPECIFICATION = FileInterest("/**/.spack/spec.json", 65_536)
"""One of each installed package: its own node first, then those of what it was built with (Spack, ``Spec.to_dict``)."""

_NODES = re.compile(r'"nodes"\s*:\s*\[\s*(?=\{)')
_NAME = re.compile(r"[a-z0-9_.]{1,60}")
MAX_FEATURES = 500
"""Features of a target that are looked at; the longest list of archspec has 53."""

INTERESTS = Interests(files=(SPECIFICATION,), elf=True, config=("architecture",))


@dataclass(frozen=True, slots=True)
class _Target:
    """A target: a name of archspec's, and features, which generic ones do not list."""

    name: str
    features: tuple[str, ...]


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the targets of installed packages mean for their programs and libraries; likely at most.

    Not every file of a package went through Spack's compiler wrapper, so that none is proven.
    """
    found = {path: target for path, text in view.files(SPECIFICATION.glob) if (target := _target(text)) is not None}
    prefixes = {posixpath.dirname(posixpath.dirname(path)): path for path in found}
    for prefix, confidence in sorted(_used(view, prefixes).items()):
        path = prefixes[prefix]
        for row in _rows(found[path], cpu):
            use = Use(
                weakest(confidence, row.grade.ceiling),
                view.at(path, f"Spack compiled the package for {found[path].name}", "arch.target"),
            )
            yield from claims_of(row.value, use)


def _used(view: DetectorView, prefixes: Iterable[str]) -> dict[str, Confidence]:
    """Return how sure it is that some file of each installation is used; one without such files is left out."""
    known = frozenset(prefixes)
    found: dict[str, Confidence] = {}
    for path, _ in native(view) if known else ():
        directory = posixpath.dirname(path)
        while directory not in known and directory != "/":
            directory = posixpath.dirname(directory)
        if directory in known:
            confidence = view.confidence(path, Confidence.LIKELY)
            found[directory] = strongest((confidence, found.get(directory, Confidence.HINT)))
    return found


def _rows(target: _Target, cpu: Cpu) -> Iterator[Row[tuple[str, ...]]]:
    if row := cpu.spack_targets.get(target.name):
        yield row
    for name in target.features:
        if feature := cpu.spack_features.get(name):
            yield Row((feature.value,), feature.grade, feature.source, feature.retrieved)


def _target(content: bytes) -> _Target | None:
    """Return the target of the package itself, the first node; None when there is none to be read."""
    text = content.decode("utf-8", "replace")
    start = _NODES.search(text)
    try:
        node = json.JSONDecoder().raw_decode(text, start.end())[0] if start else None
    except (ValueError, RecursionError):  # the file is cut within its first node, or no JSON
        return None
    architecture = node.get("arch") if isinstance(node, dict) else None
    target = architecture.get("target") if isinstance(architecture, dict) else None
    if isinstance(target, str):
        target = {"name": target}
    if not isinstance(target, dict) or not _NAME.fullmatch(str(target.get("name", ""))):
        return None
    features = target.get("features")
    listed = features[:MAX_FEATURES] if isinstance(features, list) else []
    return _Target(str(target["name"]), tuple(one for one in listed if isinstance(one, str)))
