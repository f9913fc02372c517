"""What was built into UCX and libfabric: facts, as both try what the host has and go on without."""

import posixpath
import re
from collections.abc import Iterator

from compatbuild.detectors._names import asked_of
from compatbuild.detectors._sonames import own_name
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.fabric import Fabric
from compatbuild.model.finding import Confidence, Evidence, Finding

_UCX = re.compile(r"libuct_([a-z0-9_]{1,40}?)(?:-[0-9a-f]{8})?\.so(?:\..*)?")
"""UCX transport modules (openucx/ucx, src/uct/**/Makefile.am); a repaired wheel adds eight hex digits."""

_PROVIDER = re.compile(r"lib([a-z0-9_]{1,40}?)(?:-\d[\d.]{0,20})?-fi\.so(?:\..*)?")
"""Providers of libfabric outside the library itself (fi_provider(7)); Intel MPI has some of several versions."""

LIBFABRIC = "libfabric.so.1"
Said = dict[str, list[Evidence]]


def detect(view: DetectorView, fabric: Fabric) -> Iterator[Finding]:
    """Yield the transports of UCX and the providers of libfabric; a finding's id is the name of its fact."""
    ucx = _files(view, _UCX, "A transport module for {}")
    yield from _finding("fabric.ucx", "UCX transports", ucx)
    separate = _files(view, _PROVIDER, "A provider for {}")
    yield from _finding("fabric.libfabric", "libfabric providers", _built_in(view, fabric, separate))


def _files(view: DetectorView, pattern: re.Pattern[str], statement: str) -> Said:
    found: Said = {}
    for path, _ in view.elves():
        if match := pattern.fullmatch(posixpath.basename(path)):
            found.setdefault(match[1], []).append(view.at(path, statement.format(match[1]), "file name"))
    return found


def _built_in(view: DetectorView, fabric: Fabric, found: Said) -> Said:
    """Add the providers inside libfabric itself that show by the libraries it needs."""
    for path, elf in view.elves():
        if own_name(path, elf) == LIBFABRIC:
            for library in sorted(asked_of(elf) & fabric.libfabric_libraries.keys()):
                provider = fabric.libfabric_libraries[library].value
                said = view.at(path, f"libfabric needs {library}, for its provider {provider}", "DT_NEEDED")
                found.setdefault(provider, []).append(said)
    return found


def _finding(identity: str, title: str, found: Said) -> Iterator[Finding]:
    names = sorted(found)
    if names:
        yield Finding(
            id=identity,
            title=f"{title}: {', '.join(names)}"[:300],
            confidence=Confidence.HINT,
            facts={identity: list(names)},
            evidence=tuple(said for name in names for said in found[name])[:MAX_EVIDENCE],
        )
