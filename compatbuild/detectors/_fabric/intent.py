"""Signs that an image means to use one network: the variable that rules out the others, and EFA's own software."""

from collections.abc import Iterator
from dataclasses import dataclass

from compatbuild.detectors._fabric import kernel
from compatbuild.detectors._fabric.middleware import LIBFABRIC
from compatbuild.detectors._names import Names, asked_of
from compatbuild.detectors._uses import Use, together, weakest
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.fabric import Fabric
from compatbuild.knowledge.rows import capped
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import ModuleRequirement, PciRequirement

VARIABLE = "FI_PROVIDER"
"""Which providers libfabric may take: names with commas between them, or ``^`` and those it may not (fabric(7))."""
MAX_NAMES = 50
"""Names in that variable that are looked at; libfabric has some fifteen providers."""
EFA = "efa"


@dataclass(frozen=True, slots=True)
class _Choice:
    """The providers that the variable names: those that may be taken, or those that may not (``ruled_out``)."""

    names: tuple[str, ...]
    ruled_out: bool

    @property
    def only(self) -> str:
        """Return the one provider that is left, an empty string where there is a choice."""
        return self.names[0] if len(set(self.names)) == 1 and not self.ruled_out else ""

    def leaves(self, provider: str) -> bool:
        """Say whether a provider may be taken."""
        return not self.names or (provider in self.names) is not self.ruled_out


def detect(view: DetectorView, fabric: Fabric) -> Iterator[Finding]:
    """Yield what the image asks for: EFA's device and driver, or the driver of another provider."""
    choice = _choice(view.env().get(VARIABLE, ""))
    if choice.leaves(EFA):
        yield from _efa(view, fabric, choice)
    if choice.only in fabric.providers:
        yield _other(view, fabric, choice.only)


def _choice(value: str) -> _Choice:
    """Read the variable; of one provider on top of another (``verbs;ofi_rxm``) the one on the hardware counts."""
    entries = value.removeprefix("^").split(",")[:MAX_NAMES]
    names = [part.strip().lower() for entry in entries for part in entry.split(";")]
    return _Choice(tuple(name for name in names if name and not name.startswith("ofi_")), value.startswith("^"))


def _named(view: DetectorView, fabric: Fabric, name: str, *, only: bool) -> Use:
    """Return the use that the variable shows: likely if it leaves no choice and something in the image obeys it."""
    users = Names(fabric.libfabric_users)
    obeyed = any(users.of(path) or LIBFABRIC in asked_of(elf) for path, elf in view.elves())
    told = view.at_config("Env", f"{VARIABLE} names {name}{'' if only else ' among others'}", VARIABLE)
    return Use(Confidence.LIKELY if only and obeyed else Confidence.HINT, told)


def _efa(view: DetectorView, fabric: Fabric, choice: _Choice) -> Iterator[Finding]:
    named = EFA in choice.names and not choice.ruled_out
    found = [_named(view, fabric, EFA, only=choice.only == EFA)] if named else []
    found += _installed(view, fabric)
    if not found:
        return
    sure, evidence = together(found)
    confidence = capped(sure, *fabric.efa_devices.values(), *fabric.efa_modules.values())
    unused = confidence is Confidence.HINT
    severity = Severity.INFO if unused else Severity.REQUIRED
    ids = sorted(key.split(":") for key in fabric.efa_devices)
    modules = tuple(sorted(fabric.efa_modules))
    yield Finding(
        id="fabric.efa",
        title="An Elastic Fabric Adapter",
        confidence=confidence,
        severity=severity,
        requirement=PciRequirement(
            pci=tuple(dict.fromkeys(vendor for vendor, _ in ids)), devices=tuple(device for _, device in ids)
        ),
        facts={"fabric.efa": True},
        evidence=evidence,
    )
    yield Finding(
        id="fabric.efa-driver",
        title="The driver of Elastic Fabric Adapters",
        confidence=confidence,
        severity=severity,
        requirement=ModuleRequirement(module=modules),
        facts={} if unused else {"kernel.modules": list(modules)},
        evidence=evidence,
    )


def _installed(view: DetectorView, fabric: Fabric) -> Iterator[Use]:
    """Yield the software made for EFA.

    It counts only where it is seen to be used: base images bring it along for whoever runs on such a host, and NCCL
    goes on with TCP where its plug-in finds no adapter.
    """
    plugins = Names(fabric.efa_plugins)
    for path, _ in view.elves():
        rows = [row for directory, row in fabric.efa_directories.items() if path.startswith(f"{directory}/")]
        rows += [fabric.efa_plugins[name]] if (name := plugins.of(path)) else []
        for row in rows:
            reached = view.reach(path) is not None
            ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
            confidence = view.confidence(path, ceiling) if reached else Confidence.HINT
            yield Use(confidence, view.at(path, f"It is {row.value}", "file name"))


def _other(view: DetectorView, fabric: Fabric, name: str) -> Finding:
    row = fabric.providers[name]
    side = row.value
    use = _named(view, fabric, name, only=True)
    confidence = capped(use.confidence, row)
    unused = confidence is Confidence.HINT
    return Finding(
        id=f"fabric.provider-{name}",
        title=f"The driver of {side.title}, for libfabric's provider {name}",
        confidence=confidence,
        severity=Severity.INFO if unused else Severity.REQUIRED,
        requirement=kernel.requirement(side),
        facts={} if unused else kernel.facts(side),
        evidence=(use.evidence,),
    )
