"""Spack packages: the concrete spec in ``.spack/spec.json`` of every installation prefix.

The file holds the package and all it depends on, the package first (Spack, ``lib/spack/spack/spec.py``, ``to_dict``;
specfile versions 2 and later, read by the names of its members). A target is a text where it is generic
(``x86_64_v3``), and an object with the features of the micro-architecture where it is not (archspec).
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compatbuild.image import pkg_json
from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import KIB, Limits
from compatbuild.image.view import Package

SPECS = FileInterest("/**/.spack/spec.json", 256 * KIB)
"""The specs; those of programs with a hundred dependencies have 200 KiB."""
ENDING = "/.spack/spec.json"
MAX_NODES = 2_000
"""Packages of one spec that are looked at."""
MAX_VIRTUALS = 20
"""Virtual packages of one dependency; compilers stand for three."""
MAX_FEATURES = 500
"""Features of a target that are looked at; the longest list of archspec has 53."""
MAX_TEXT = 200
"""Characters of a name, a version, a target or a feature."""

_FAMILIES = {
    r"x86_64(_v[234])?": "amd64",
    r"aarch64|armv[89]\.\da": "arm64",
    r"ppc64le|power\d+le": "ppc64le",
    r"riscv64": "riscv64",
}
"""Generic targets (archspec/archspec-json@90b453f4053b ``cpu/microarchitectures.json``), and their names in OCI."""
_TELLTALES = {"sse2": "amd64", "asimd": "arm64"}
"""Features that every micro-architecture of a family lists there."""
_NODES = re.compile(r'"nodes"[ \t\r\n]*:[ \t\r\n]*(?=\[)')


@dataclass(frozen=True, slots=True)
class Spec:
    """One concrete package.

    ``target`` is archspec's name of what it is compiled for and ``features`` those that it lists of it, ``system`` the
    operating system that it is built on (``debian12``), ``compiler`` what with (``gcc 12.2.0``; since version 5 of the
    format that is a dependency, and this is empty). ``external`` is the path of a package that is expected to be there
    and not part of the installation, ``needs`` the hashes of the packages that it links or runs, ``provided`` those
    that stand for a virtual package (``mpi``), as pairs of that and a hash.
    """

    name: str
    version: str
    hash: str = ""
    target: str = ""
    external: str = ""
    needs: tuple[str, ...] = ()
    system: str = ""
    compiler: str = ""
    features: tuple[str, ...] = ()
    provided: tuple[tuple[str, str], ...] = ()

    @property
    def architecture(self) -> str:
        """Return OCI's name of the architecture that it is for, empty where the target does not tell."""
        for pattern, name in _FAMILIES.items():
            if re.fullmatch(pattern, self.target):
                return name
        return next((name for feature, name in _TELLTALES.items() if feature in self.features), "")


def files(limits: Limits) -> tuple[FileInterest, ...]:
    """Return where the specs lie; the package itself stands first in each."""
    return (FileInterest(SPECS.glob, limits.script),)


def reads(path: str) -> bool:
    """Say whether a file is the spec of an installation."""
    return path.endswith(ENDING)


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package that a prefix holds."""
    for spec in specs(content):
        if spec.version:
            yield Package("spack", spec.name, spec.version, path, spec.target)
        return


def prefix(path: str) -> str:
    """Return the installation prefix that a spec describes."""
    return path.removesuffix(ENDING)


def specs(content: bytes) -> Iterator[Spec]:
    """Yield the packages of a spec, the one that is installed first; nothing of a file that is none."""
    text = pkg_json.text_of(content)
    start = _NODES.search(text)
    if start is None:
        return
    for index, node in enumerate(pkg_json.items(text, start.end())):
        spec = _spec(node)
        if spec is None or index == MAX_NODES:
            return
        yield spec


def _spec(node: Any) -> Spec | None:
    name = _text(_member(node, "name"))
    if not name:
        return None
    target = _member(_member(node, "arch"), "target")
    compiler = _member(node, "compiler")
    features = _member(target, "features")
    listed = features[:MAX_FEATURES] if isinstance(features, list) else []
    return Spec(
        name=name,
        version=_text(_member(node, "version")),
        hash=_text(_member(node, "hash")),
        target=_text(target) or _text(_member(target, "name")),
        external=_path(_member(_member(node, "external"), "path")),
        needs=tuple(_needs(_member(node, "dependencies"))),
        system=_text(_member(_member(node, "arch"), "platform_os")),
        compiler=f"{_text(_member(compiler, 'name'))} {_text(_member(compiler, 'version'))}".strip(),
        features=tuple(one for one in listed if _text(one)),
        provided=tuple(_provided(_member(node, "dependencies"))),
    )


def _needs(edges: Any) -> Iterator[str]:
    """Yield the hashes of what is linked or run; the kinds of a dependency moved under ``parameters`` in version 4."""
    for edge in edges[:MAX_NODES] if isinstance(edges, list) else ():
        kinds = _member(edge, "type") or _member(_member(edge, "parameters"), "deptypes")
        if isinstance(kinds, list) and ("link" in kinds or "run" in kinds):
            yield _text(_member(edge, "hash"))


def _provided(edges: Any) -> Iterator[tuple[str, str]]:
    """Yield which virtual packages the dependencies stand for, and the hash of each; since version 4."""
    for edge in edges[:MAX_NODES] if isinstance(edges, list) else ():
        virtuals = _member(_member(edge, "parameters"), "virtuals")
        for virtual in virtuals[:MAX_VIRTUALS] if isinstance(virtuals, list) else ():
            if _text(virtual):
                yield virtual, _text(_member(edge, "hash"))


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else ""


def _path(value: Any) -> str:
    return posixpath.normpath(value) if isinstance(value, str) and value.startswith("/") and len(value) < 4096 else ""
