"""What the image's author declares in labels: ``LABEL org.compatbuild.require.driver=">=525.60.13"``."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from compatbuild.detectors import Detector
from compatbuild.detectors._label_values import LABEL_SUBJECTS, requirement_of
from compatbuild.errors import SpecError
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AnyRequirement

PREFIX = "org.compatbuild.require."
MAX_LABELS = 100
"""Labels that are looked at; an author who needs more writes a template."""
MAX_KEY = 200
"""Characters of a label's key."""
SHOWN = 200
"""Characters of a value that titles and evidence repeat."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield a requirement for each label, or what is wrong with it."""
    labels = view.labels()
    for index, key in enumerate(sorted(labels)):
        if index == MAX_LABELS:
            yield _mistake(view, "label.too-many", f"Labels from {key[:SHOWN]!r} on are not read", key, "")
            return
        yield _finding(view, key, labels[key])


def _finding(view: DetectorView, key: str, value: str) -> Finding:
    """Return what one label asks for; the image's own word needs no other proof."""
    rest = key.removeprefix(PREFIX)
    identity = f"label.{re.sub(r'[^a-z0-9]+', '-', rest.lower()).strip('-')[:60].strip('-') or 'unnamed'}"
    told = _told(value)
    try:
        requirement = _requirement(rest, value)
    except SpecError as error:
        why = f"{error.what}: {error.why}" if error.why else error.what
        return _mistake(view, identity, f"Label {_told(key[:100])} is not understood: {_told(why)}", key, told)
    return Finding(
        id=identity,
        title=f"Declared by the image: {_told(rest[:50])} {told}"[:300],
        confidence=Confidence.PROVEN,
        severity=Severity.REQUIRED,
        requirement=requirement,
        evidence=(view.at_config("Labels", f"The image declares {told}", key),),
    )


def _requirement(rest: str, value: str) -> AnyRequirement:
    """Return the requirement of a label; what follows the subject, as in ``module.uvm``, tells several of one apart."""
    if len(PREFIX) + len(rest) > MAX_KEY:
        raise SpecError("its key is too long")
    subject = rest.partition(".")[0].replace("-", "_")
    if subject not in LABEL_SUBJECTS:
        near = get_close_matches(subject, LABEL_SUBJECTS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(LABEL_SUBJECTS)}"
        raise SpecError(f"{subject[:50]!r} cannot be required; {hint}")
    return requirement_of(subject, value)


def _told(text: str) -> str:
    """Return a text on one line, and short."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _mistake(view: DetectorView, identity: str, title: str, key: str, told: str) -> Finding:
    """Return a note about a label that cannot be followed: the author meant something by it, and should see this."""
    said = f"The label says {told}" if told else "The label is there"
    return Finding(
        id=identity,
        title=title[:300],
        confidence=Confidence.PROVEN,
        severity=Severity.INFO,
        evidence=(view.at_config("Labels", said, key[:MAX_KEY]),),
    )


DETECTOR = Detector(
    id="labels",
    title="Requirements declared in the image's labels",
    interests=Interests(labels=(f"{PREFIX}*",)),
    detect=detect,
    features=(
        "cpu.cpuid",
        "kernel.config",
        "kernel.enabledmodule",
        "kernel.loadedmodule",
        "kernel.version",
        "local.label",
        "memory.hugepages",
        "pci.device",
    ),
)
