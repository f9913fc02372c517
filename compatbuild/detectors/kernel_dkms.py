"""Source trees of DKMS: modules that are built on the host, against its kernel, which they may refuse."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from compatbuild.detectors import Detector
from compatbuild.detectors._uses import MAX_EVIDENCE
from compatbuild.image import dkms
from compatbuild.image.dkms import DkmsConf
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Evidence, Finding, Severity
from compatbuild.model.requirement import AnyRequirement, ConfigRequirement, KernelRequirement

Trees = Sequence[tuple[str, DkmsConf]]
SHOWN = 5
"""Modules of one tree that evidence names."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:  # noqa: ARG001 - every detector has this signature
    """Yield a note about the trees, and what they demand of the kernel if they are built by default."""
    trees = [(path, dkms.parse(content)) for path, content in view.files(dkms.INTEREST.glob)]
    if not trees:
        return
    names = ", ".join(dict.fromkeys(conf.name or "a tree without a name" for _, conf in trees))
    yield Finding(
        id="kernel.dkms",
        title=f"Builds kernel modules against the headers of the host's kernel: {names}"[:300],
        confidence=Confidence.HINT,
        evidence=tuple(_evidence(view, path, conf) for path, conf in trees[:MAX_EVIDENCE]),
    )
    confidence = _confidence(view)
    if config := _config(trees):
        options: list[JsonValue] = [name for name, allowed in config.items() if allowed]
        told = [_evidence(view, path, conf) for path, conf in trees if conf.options]
        facts: dict[str, JsonValue] = {"kernel.config": options} if options else {}
        yield _demand("kernel.dkms-config", ConfigRequirement(config=config), confidence, facts, told)
    if versions := _common(trees):
        least = versions.partition(",")[0].removeprefix(">=")
        facts = {"kernel.version.min": least} if versions.startswith(">=") else {}
        told = [_evidence(view, path, conf) for path, conf in trees if _versions(conf.kernel_min, conf.kernel_max)]
        yield _demand("kernel.dkms-version", KernelRequirement(kernel=versions), confidence, facts, told)


def _confidence(view: DetectorView) -> Confidence:
    """Return how sure the trees are built: what dkms does cannot be seen, only that the default program runs it."""
    run = any(words[0].rpartition("/")[2] == "dkms" for words, _ in view.commands())
    return Confidence.LIKELY if run or not view.entrypoint_known else Confidence.HINT


def _config(trees: Trees) -> dict[str, tuple[str, ...]]:
    """Return the options that all trees together demand; one that they disagree about is left out."""
    demands: dict[str, set[bool]] = {}
    for _, conf in trees:
        for option, wanted in conf.options.items():
            demands.setdefault(option, set()).add(wanted)
    agreed = {option: wanted.pop() for option, wanted in sorted(demands.items()) if len(wanted) == 1}
    return {option: ("y", "m") if wanted else () for option, wanted in agreed.items()}


def _common(trees: Trees) -> str:
    """Return the range of kernels that all trees build for; empty if there is none, or none is excluded."""
    least = max((conf.kernel_min for _, conf in trees), key=_numbers)
    most = min((conf.kernel_max for _, conf in trees if conf.kernel_max), key=_numbers, default="")
    return "" if least and most and _numbers(least) > _numbers(most) else _versions(least, most)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, as many as kernels are compared by; an empty one comes first."""
    numbers = [int(part) for part in version.split(".") if part]
    return tuple(numbers + [0] * (3 - len(numbers))) if numbers else ()


def _versions(least: str, most: str) -> str:
    return ",".join(sign + version for sign, version in ((">=", least), ("<=", most)) if version)


def _demand(
    identity: str,
    requirement: AnyRequirement,
    confidence: Confidence,
    facts: dict[str, JsonValue],
    evidence: Sequence[Evidence],
) -> Finding:
    unused = confidence is Confidence.HINT
    return Finding(
        id=identity,
        title="A kernel that the image's DKMS sources build for",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=requirement,
        facts={} if unused else facts,
        evidence=tuple(evidence[:MAX_EVIDENCE]),
    )


def _evidence(view: DetectorView, path: str, conf: DkmsConf) -> Evidence:
    parts = [f"{conf.name or 'A tree'} {conf.version}".strip()]
    if conf.modules:
        parts.append(f"builds {', '.join(conf.modules[:SHOWN])}" + (" and more" if len(conf.modules) > SHOWN else ""))
    if conf.options:
        wanted = (f"{'' if on else 'no '}{option}" for option, on in sorted(conf.options.items()))
        parts.append(f"demands {', '.join(wanted)}")
    if conf.conditional:
        parts.append(f"refuses some kernels without {', '.join(conf.conditional[:SHOWN])}")
    if versions := _versions(conf.kernel_min, conf.kernel_max):
        parts.append(f"builds for kernels {versions}")
    return view.at(path, "; ".join(parts), "dkms.conf")


DETECTOR = Detector(
    id="kernel_dkms",
    title="DKMS source trees",
    interests=Interests(files=(dkms.INTEREST,)),
    detect=detect,
    facts=("kernel.config", "kernel.version.min"),
    features=("kernel.config", "kernel.version"),
)
