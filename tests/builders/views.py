"""Image views as detectors see them, without an image: paths, ELF facts, files, packages and reach are given outright."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from compatbuild.detectors import Detector
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView, ImageConfig, ImageView, Kind, Node, Package, Reach
from compatbuild.knowledge import Knowledge, load
from compatbuild.model.finding import Confidence, Finding

AMD64 = 62
ARM64 = 183
LAYER = "sha256:" + "0" * 64


def elf(*needed: str, machine: int = AMD64, bits: int = 64, **facts: Any) -> ElfFacts:
    """Return the facts of an ELF file that needs these libraries."""
    return ElfFacts(machine=machine, bits=bits, needed=needed, **facts)


def image_view(
    *,
    elves: Mapping[str, ElfFacts] | None = None,
    files: Mapping[str, bytes] | None = None,
    env: Mapping[str, str] | None = None,
    packages: Sequence[Package] = (),
    reached: Mapping[str, Confidence | Reach] | None = None,
    entrypoint_known: bool | None = None,
    os_release: Mapping[str, str] | None = None,
    config: ImageConfig | None = None,
    **settings: Any,
) -> ImageView:
    """Return a view of one layer that holds these files.

    A confidence in ``reached`` stands for a chain of the file alone. The entrypoint is known if anything is reached,
    unless said otherwise. ``settings`` are fields of the image config, amd64 by default.
    """
    elves, files, reached = elves or {}, files or {}, reached or {}
    nodes = {path: Node(Kind.FILE, 0) for path in (*elves, *files)}
    for path in list(nodes):
        for parent in PurePosixPath(path).parents:
            nodes.setdefault(str(parent), Node(Kind.DIRECTORY, 0))
    variables = tuple(f"{key}={value}" for key, value in (env or {}).items())
    return ImageView(
        config=config or ImageConfig(**{"architecture": "amd64", "env": variables} | settings),
        layers=(LAYER,),
        nodes=nodes,
        elves=elves,
        files=files,
        packages=tuple(packages),
        os_release=os_release or {},
        reached={path: r if isinstance(r, Reach) else Reach(r, (path,)) for path, r in reached.items()},
        entrypoint_known=bool(reached) if entrypoint_known is None else entrypoint_known,
    )


def findings(detector: Detector, view: ImageView, knowledge: Knowledge | None = None) -> list[Finding]:
    """Return what a detector finds in a view."""
    seen = DetectorView(image=view, detector=detector.id, interests=detector.interests)
    return list(detector.detect(seen, knowledge or load()))


def by_id(detector: Detector, view: ImageView, knowledge: Knowledge | None = None) -> dict[str, Finding]:
    """Return what a detector finds, by finding id; no id may occur twice."""
    found = findings(detector, view, knowledge)
    assert len({finding.id for finding in found}) == len(found), [finding.id for finding in found]
    return {finding.id: finding for finding in found}


def deb(name: str, version: str = "1.0-1", architecture: str = "amd64") -> Package:
    """Return an installed Debian package."""
    return Package("deb", name, version, "/var/lib/dpkg/status", architecture)
