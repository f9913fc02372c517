"""What the image config says to NVIDIA's container runtime: NVIDIA_REQUIRE_*, CUDA_VERSION, devices, capabilities."""

import re
from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._nvidia import (
    REQUIRE_CUDA,
    SWITCH,
    Declaration,
    Range,
    at_least,
    declared,
    requirements_disabled,
)
from compatbuild.detectors._uses import weakest
from compatbuild.errors import SpecError
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import (
    AlternativesRequirement,
    AnyRequirement,
    ComputeRequirement,
    DriverRequirement,
)

PREFIX = "NVIDIA_REQUIRE_"
IGNORED_PREFIX = "NVIDIA_REQUIRE_JETPACK"
VERSION = "CUDA_VERSION"
DEVICES = "NVIDIA_VISIBLE_DEVICES"
CAPABILITIES = "NVIDIA_DRIVER_CAPABILITIES"
NO_DEVICES = ("", "void", "none")
BEYOND_COMPUTE = ("all", "compat32", "display", "graphics", "ngx", "video")
SHOWN = 300
"""Characters of a variable that evidence repeats, and of a title."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield what the variables ask for; the image's own statement counts as written unless it is switched off."""
    env = view.env()
    names = sorted(key for key in env if key.startswith(PREFIX) and not key.startswith(IGNORED_PREFIX))
    for name in names:
        yield _requirement(view, name, env[name], knowledge)
    if VERSION in env and REQUIRE_CUDA not in env:
        yield from _legacy(view, env[VERSION], knowledge)
    if env.get(DEVICES, "") not in NO_DEVICES:
        yield _note(view, "nvidia.visible-devices", "The image asks for NVIDIA GPUs if there are any", DEVICES)
    wanted = sorted(set(env.get(CAPABILITIES, "").split(",")) & set(BEYOND_COMPUTE))
    if wanted:
        title = f"The image asks for driver libraries beyond CUDA: {', '.join(wanted)}"
        yield _note(view, "nvidia.driver-capabilities", title, CAPABILITIES)


def _requirement(view: DetectorView, name: str, text: str, knowledge: Knowledge) -> Finding:
    """Return what one NVIDIA_REQUIRE_ variable asks for; nothing where any driver would do, or it cannot be read."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.removeprefix(PREFIX).lower()).strip("-") or "unnamed"
    identity = f"nvidia.require-{slug[:60]}"
    try:
        meaning = declared(text, knowledge.cuda)
    except SpecError as error:
        return _note(view, identity, f"{name} cannot be read: {error.what}", name)
    if requirements_disabled(view.env()):
        return _note(view, identity, f"{name} is switched off by {SWITCH}", name)
    if not meaning.alternatives or Range() in meaning.alternatives:
        return _note(view, identity, f"{name} says nothing that a host can be asked for", name)
    return Finding(
        id=identity,
        title=f"{name}: {' or '.join(map(_told, meaning.alternatives))}"[:SHOWN],
        confidence=meaning.confidence,
        severity=Severity.INFO if meaning.confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=_alternatives(meaning.alternatives),
        evidence=_evidence(view, name, meaning),
    )


def _told(one: Range) -> str:
    parts = [f"driver {one.driver}" if one.driver else "", f"compute capability {one.compute}" if one.compute else ""]
    return ", ".join(part for part in parts if part)


def _alternatives(ranges: tuple[Range, ...]) -> AnyRequirement:
    branches = tuple(tuple(_branch(one)) for one in ranges)
    if len(branches) == 1 and len(branches[0]) == 1:
        return branches[0][0]
    return AlternativesRequirement(any=branches)


def _branch(one: Range) -> Iterator[AnyRequirement]:
    if one.driver:
        yield DriverRequirement(driver=one.driver, when="always")
    if one.compute:
        yield ComputeRequirement(compute=one.compute, when="always")


def _evidence(view: DetectorView, name: str, meaning: Declaration) -> tuple[Evidence, ...]:
    said = view.at_config("Env", f"{name}={_shown(view, name)}", name)
    if not meaning.ignored:
        return (said,)
    left = ", ".join(meaning.ignored)[:SHOWN]
    return (said, view.at_config("Env", f"Left out, as no host says it: {left}", name))


def _legacy(view: DetectorView, text: str, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the range of an image that has only CUDA_VERSION: the runtime then asks for cuda>=MAJOR.MINOR."""
    match = re.match(r"(\d{1,3}\.\d{1,3})(?:\.|$)", text)
    row = at_least(match[1], knowledge.cuda) if match else None
    if match is None or row is None or requirements_disabled(view.env()):
        return
    confidence = weakest(Confidence.LIKELY, row.grade.ceiling)
    yield Finding(
        id="nvidia.cuda-version",
        title=f"NVIDIA driver >= {row.value} where a GPU is used ({VERSION}={match[1]})",
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=DriverRequirement(driver=f">={row.value}"),
        evidence=(view.at_config("Env", f"{VERSION}={_shown(view, VERSION)} without {REQUIRE_CUDA}", VERSION),),
    )


def _note(view: DetectorView, identity: str, title: str, name: str) -> Finding:
    return Finding(
        id=identity,
        title=title[:SHOWN],
        confidence=Confidence.HINT,
        evidence=(view.at_config("Env", f"{name}={_shown(view, name)}", name),),
    )


def _shown(view: DetectorView, name: str) -> str:
    text = view.env()[name]
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


DETECTOR = Detector(
    id="nvidia_config",
    title="Requirements stated for NVIDIA's container runtime",
    interests=Interests(env=(f"{PREFIX}*", SWITCH, VERSION, DEVICES, CAPABILITIES)),
    detect=detect,
    features=("kernel.loadedmodule", "local.label"),
)
