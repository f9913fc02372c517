"""What an image would set on its host if it could: modules to load at boot, and kernel parameters."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from compatbuild.detectors import Detector
from compatbuild.detectors._modprobe import probed
from compatbuild.detectors._uses import Use, strongest, together
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.rows import Row, capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, FacilityRequirement

OWN_LISTS = (
    FileInterest("/etc/modules-load.d/*.conf"),
    FileInterest("/usr/local/lib/modules-load.d/*.conf"),
    FileInterest("/etc/modules"),
)
"""Where an administrator lists modules (modules-load.d(5); Debian's modules(5))."""

PACKAGED_LISTS = (FileInterest("/usr/lib/modules-load.d/*.conf"), FileInterest("/lib/modules-load.d/*.conf"))
"""Where packages do; some list what only few of their users need."""

PARAMETERS = (
    FileInterest("/etc/sysctl.conf"),
    FileInterest("/etc/sysctl.d/*.conf"),
    FileInterest("/usr/local/lib/sysctl.d/*.conf"),
)
"""Where an administrator sets kernel parameters (sysctl.d(5))."""

LOADERS = ("systemd", "systemd-modules-load", "openrc-init", "openrc")
"""Programs that heed the lists when a system starts."""

MAX_NAMES = 500
"""Modules and parameters taken from one image."""

_MODULE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PARAMETER = re.compile(r"^[ \t]*-?([A-Za-z0-9_./*-]{1,100})[ \t]*=", re.MULTILINE)
Listed = Mapping[str, list[Use]]


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the modules that are listed, as facilities where the option is known, and a note on parameters."""
    options = knowledge.kernel.module_options
    listed = _listed(view)
    known = {module: uses for module, uses in listed.items() if _sure(uses) and module in options}
    if known:
        yield _demanded(known, options)
    if rest := {module: uses for module, uses in listed.items() if module not in known}:
        yield _note("kernel.modules-listed", "Lists kernel modules to load", rest)
    if parameters := _parameters(view, knowledge.kernel.plain_sysctl_files):
        yield _note("kernel.sysctl", "Sets kernel parameters, which no host feature shows", parameters)


def _sure(uses: Sequence[Use]) -> bool:
    return strongest(use.confidence for use in uses) is not Confidence.HINT


def _listed(view: DetectorView) -> dict[str, list[Use]]:
    """Return the modules that files list, one a line.

    An administrator's list is likely where something heeds it, or the image has no program of its own. What packages
    list, and what the default program probes for itself, may fail without harm: a hint.
    """
    heeded = any(posixpath.basename(path) in LOADERS for path in view.reached()) or not view.entrypoint_known
    own = Confidence.LIKELY if heeded else Confidence.HINT
    found: dict[str, list[Use]] = {}
    for interests, confidence in ((OWN_LISTS, own), (PACKAGED_LISTS, Confidence.HINT)):
        for path, content in (file for interest in interests for file in view.files(interest.glob)):
            for module in _modules(content)[:MAX_NAMES]:
                use = Use(confidence, view.at(path, f"It lists the module {module}", module))
                found.setdefault(module.replace("-", "_"), []).append(use)
    for words, _ in view.commands():
        for module in filter(_MODULE.fullmatch, probed(words)):
            said = view.at_config("Entrypoint", f"The default program runs modprobe {module}", "modprobe")
            found.setdefault(module.replace("-", "_"), []).append(Use(Confidence.HINT, said))
    return dict(list(found.items())[:MAX_NAMES])


def _modules(content: bytes) -> list[str]:
    """Return the first word of each line that is no comment; what follows it are Debian's module parameters."""
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    words = (line.split()[0] for line in lines if line and line[0] not in "#;")
    return [word for word in words if _MODULE.fullmatch(word)]


def _parameters(view: DetectorView, plain: Mapping[str, Row[str]]) -> dict[str, list[Use]]:
    """Return the parameters that files set, but for the files that a distribution puts everywhere."""
    found: dict[str, list[Use]] = {}
    for path, content in (file for interest in PARAMETERS for file in view.files(interest.glob)):
        if posixpath.basename(path) not in plain:
            for name in _PARAMETER.findall(content.decode("utf-8", "replace"))[:MAX_NAMES]:
                said = view.at(path, f"It sets {name}", name)
                found.setdefault(name.replace("/", "."), []).append(Use(Confidence.HINT, said))
    return found


def _demanded(modules: Listed, options: Mapping[str, Row[str]]) -> Finding:
    """Return the finding that every one of these modules can be loaded."""
    rows = [options[module] for module in modules]
    confidence, evidence = together([use for uses in modules.values() for use in uses])
    confidence = capped(confidence, *rows)
    unused = confidence is Confidence.HINT
    ways = tuple(FacilityRequirement(facility=(options[m].value,), modules=(m,)) for m in sorted(modules))
    names: dict[str, JsonValue] = {
        "kernel.config": [*sorted({row.value for row in rows})],
        "kernel.modules": [*sorted(modules)],
    }
    return Finding(
        id="kernel.modules-load",
        title=f"A kernel with the modules that the image lists: {', '.join(sorted(modules))}"[:300],
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=ways[0] if len(ways) == 1 else AlternativesRequirement(any=(ways,)),
        facts={} if unused else names,
        evidence=evidence,
    )


def _note(identity: str, title: str, named: Listed) -> Finding:
    return Finding(
        id=identity,
        title=f"{title}: {', '.join(sorted(named))}"[:300],
        confidence=Confidence.HINT,
        evidence=together([use for uses in named.values() for use in uses])[1],
    )


DETECTOR = Detector(
    id="kernel_settings",
    title="Modules and kernel parameters that the image lists",
    interests=Interests(files=OWN_LISTS + PACKAGED_LISTS + PARAMETERS),
    detect=detect,
    facts=("kernel.config", "kernel.modules"),
    features=("kernel.config", "kernel.enabledmodule"),
)
