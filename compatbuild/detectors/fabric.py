"""Which high-speed networks the image's middleware was built for: hints only, as all of it falls back to TCP."""

import posixpath
import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding

PROVIDER = "FI_PROVIDER"
_UCX = re.compile(r"libuct_([a-z0-9_]{1,40}?)(?:-[0-9a-f]{8})?\.so(?:\..*)?")
"""UCX transport modules (openucx/ucx, src/uct/**/Makefile.am); a repaired wheel adds eight hex digits."""

_LIBFABRIC = re.compile(r"lib([a-z0-9_]{1,40}?)-fi\.so(?:\..*)?")
"""Providers of libfabric outside the library itself (fi_provider(7))."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what was built into UCX and libfabric, and whether the image means to use EFA."""
    yield from _modules(view, _UCX, "fabric.ucx", "UCX transports")
    yield from _modules(view, _LIBFABRIC, "fabric.libfabric", "Separate libfabric providers")
    yield from _efa(view, knowledge)


def _modules(view: DetectorView, pattern: re.Pattern[str], identity: str, title: str) -> Iterator[Finding]:
    """Yield the modules whose file names match; the finding's id is the fact's name."""
    found = {path: m[1] for path, _ in view.elves() if (m := pattern.fullmatch(posixpath.basename(path)))}
    names = sorted(set(found.values()))
    if names:
        yield Finding(
            id=identity,
            title=f"{title}: {', '.join(names)}"[:300],
            confidence=Confidence.HINT,
            facts={identity: list(names)},
            evidence=tuple(
                view.at(path, f"A module for {name}", "file name")
                for path, name in sorted(found.items())[:MAX_EVIDENCE]
            ),
        )


def _efa(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    known = knowledge.fabric.efa_plugins
    evidence = [
        view.at(path, known[key].value, "file name")
        for path, _ in view.elves()
        for key in known
        if posixpath.basename(path).startswith(key)
    ]
    providers = view.env().get(PROVIDER, "")
    if not providers.startswith("^") and "efa" in re.split(r"[,;]", providers):
        evidence.append(view.at_config("Env", f"{PROVIDER} names efa", PROVIDER))
    if evidence:
        yield Finding(
            id="fabric.efa",
            title="The image is set up for Elastic Fabric Adapters",
            confidence=Confidence.HINT,
            facts={"fabric.efa": True},
            evidence=tuple(evidence[:MAX_EVIDENCE]),
        )


DETECTOR = Detector(
    id="fabric",
    title="High-speed networks that middleware supports",
    interests=Interests(elf=True, env=(PROVIDER,)),
    detect=detect,
    facts=("fabric.ucx", "fabric.libfabric", "fabric.efa"),
)
