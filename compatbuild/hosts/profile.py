"""A profile's document turned into a host, for one architecture.

A profile is what is known of all hosts of one operating system release (``schemas/compatbuild-profile-v1``). Nothing in
it says anything about hardware, and of the kernel it knows a few hundred options and their modules, so everything else
is unknown. An option that is ``n``, or that does not exist in a kernel whose whole configuration was seen, is absent.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from compatbuild.hosts.host import Host
from compatbuild.hosts.kernel import BUILT, CONFIG, ENABLED, LOADED, built_in_names, facts, loaded_name, substitutes
from compatbuild.hosts.osrelease import kernel_version, os_release
from compatbuild.hosts.policies import NodeSettings, policies
from compatbuild.hosts.processors import OCI_ARCHITECTURES, Processors, processors
from compatbuild.nfd.catalogue import catalogue
from compatbuild.nfd.encodings import ARCHITECTURE_FLAGS
from compatbuild.nfd.features import Features

CPU, VERSION, OS_RELEASE = "cpu.cpuid", "kernel.version", "system.osrelease"

VENDORS = {"amdgpu": "amd", "i915": "intel", "xe": "intel"}
"""The vendor of a GPU driver that a profile names by its module."""

HARDWARE = "hardware is not a matter of the operating system"
NOT_LOADED = "the module is there but not loaded until something loads it"
BUILT_IN = "the driver is built into the kernel, so kernel.loadedmodule never lists it; ask kernel.enabledmodule"


def host(document: Mapping[str, Any], architecture: str) -> Host:
    """Turn a profile into a host of an architecture as ``uname -m`` names it (``x86_64``, ``aarch64``).

    A profile without that architecture gives a host whose kernel is unknown: one architecture says nothing of another.
    """
    metadata = document["metadata"]
    block = document["architectures"].get(architecture, {})
    kernel = _Kernel(block, document)
    version, approximate = _version(block)
    cpus = processors(document["osRelease"], architecture)
    return Host(
        name=metadata["name"],
        kind="profile",
        fidelity=metadata["fidelity"],
        features=_features(document, cpus, kernel, version),
        sources=_sources(document, block, cpus),
        unknown=_unknown({VERSION} if version and not approximate else set()),
        policies=policies(_settings(document), kernel.config, kernel.supplied),
        title=metadata["title"],
        architecture=architecture,
        absent=frozenset({*kernel.absent(), *_foreign_flags(architecture), *_absent_version(document)}),
        approximate=frozenset({f"{VERSION}/full"}) if approximate else frozenset(),
        substitutes=kernel.substitutes(),
        remarks=_remarks(document, block, architecture, kernel),
        modules={name: how for name, how in kernel.loadable.items() if name not in kernel.loaded},
        settings=_shown_settings(document),
    )


class _Kernel:
    """What one architecture's block says of options and modules."""

    def __init__(self, block: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        self.complete: bool = block.get("kernel", {}).get("complete", False)
        values: Mapping[str, str] = block.get("config", {})
        # What was carried forward from a relative is a capability that was never lost; no other value is.
        self.config = values if self.complete else {o: v for o, v in values.items() if v in (*BUILT, "n")}
        self.missing = frozenset(block.get("absent", ()))
        modules = block.get("modules", {})
        self.built_in = frozenset(modules.get("builtin", ()))
        self.loaded = frozenset(modules.get("loaded", ()))
        self.loadable = _loadable(modules)
        drivers = (one.get("module", "") for one in document.get("drivers", {}).values())
        self.supplied = {*self.built_in, *self.loaded, *self.loadable, *drivers}

    def options(self) -> dict[str, str]:
        """Give what NFD publishes: options that are set."""
        return {option: value for option, value in self.config.items() if value != "n"}

    def absent(self) -> Iterable[str]:
        """Yield what is known not to be there."""
        off = {*self.missing, *(option for option, value in self.config.items() if value == "n")}
        yield from (f"{CONFIG}/{option}" for option in off)
        gone = {loaded_name(facts().files[option]) for option in off if option in facts().files} - self.supplied
        yield from (f"{feature}/{name}" for feature in (LOADED, ENABLED) for name in self._spellings(gone))
        if self.complete:
            yield from (f"{LOADED}/{name}" for name in self._spellings(self.built_in))
            yield from (f"{ENABLED}/{name}" for name in self._misspelt())

    def substitutes(self) -> dict[str, str]:
        """Give what NFD does not list although it is there."""
        spelt = {
            f"{ENABLED}/{loaded_name(name)}": f"it is built in, and NFD lists it as {name}" for name in self._hyphened()
        }
        return substitutes(self.config, self.missing, {*self.built_in, *self.loaded, *self.loadable}) | spelt

    def _hyphened(self) -> set[str]:
        return {name for name in built_in_names(self.built_in) if "-" in name}

    def _misspelt(self) -> set[str]:
        return {loaded_name(name) for name in self._hyphened()}

    @staticmethod
    def _spellings(names: Iterable[str]) -> set[str]:
        known = set(names)
        return known | built_in_names(known)


def _loadable(modules: Mapping[str, Any]) -> dict[str, str]:
    found = dict.fromkeys(modules.get("loadable", ()), "")
    found |= dict.fromkeys(modules.get("outOfTree", ()), "built by the vendor outside of the kernel's tree")
    for package, names in modules.get("inOptionalPackage", {}).items():
        found |= dict.fromkeys(names, f"in the package {package}")
    return found


def _features(document: Mapping[str, Any], cpus: Processors, kernel: _Kernel, version: dict[str, str]) -> Features:
    attributes: dict[str, Mapping[str, str]] = {
        OS_RELEASE: os_release(document["osRelease"]),
        "local.label": {},  # NFD publishes both always; what they hold is unknown
        "local.feature": {},
    }
    if kernel.config:
        attributes[CONFIG] = kernel.options()
    if version:
        attributes[VERSION] = version
    enabled = built_in_names(kernel.built_in) | kernel.loaded
    return Features(
        flags={CPU: cpus.flags, LOADED: kernel.loaded, ENABLED: enabled},
        attributes=attributes,
    )


def _version(block: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    """Give the elements of ``kernel.version``, and whether they are only near: the version without the release."""
    kernel = block.get("kernel", {})
    if "nfdVersion" in kernel:
        return dict(kernel["nfdVersion"]), False
    text = kernel.get("version", "")
    plain = text if " " not in text else ""  # one that names two kernels names none
    return ({"full": kernel_version(plain)["full"]}, True) if plain else ({}, False)


def _unknown(known: set[str]) -> frozenset[str]:
    return frozenset(set(catalogue().features) - known - {"rule.matched"})


def _foreign_flags(architecture: str) -> Iterable[str]:
    own = OCI_ARCHITECTURES.get(architecture)
    return (f"{CPU}/{flag}" for name, flag in ARCHITECTURE_FLAGS.items() if name != own)


def _absent_version(document: Mapping[str, Any]) -> Iterable[str]:
    """Yield the parts of a known VERSION_ID that NFD does not make of it."""
    if "VERSION_ID" in document["osRelease"]:
        given = os_release(document["osRelease"])
        yield from (f"{OS_RELEASE}/{n}" for n in ("VERSION_ID.major", "VERSION_ID.minor") if n not in given)


def _sources(document: Mapping[str, Any], block: Mapping[str, Any], cpus: Processors) -> dict[str, str]:
    source = block.get("source", {})
    paths = source.get("path", "")
    where = [
        source.get("repository", ""),
        source.get("package", ""),
        ", ".join([paths] if isinstance(paths, str) else paths),
    ]
    text = " ".join(filter(None, where))
    text += f" @{source['commit'][:12]}" if "commit" in source else ""
    text += f" ({source['date']})" if "date" in source else ""
    text += f"; {source['note']}" if "note" in source else ""
    release = document.get("releaseSource", {})
    named = " ".join(filter(None, (release.get("repository"), release.get("rev"), release.get("path"))))
    own = f"profile {document['metadata']['name']}"
    found = {f: f"{own}: {text}" for f in (CONFIG, LOADED, ENABLED, VERSION) if text}
    drivers = document.get("drivers", {})
    found |= {f"driver/{VENDORS.get(name, name)}": _driver_source(document, row) for name, row in drivers.items()}
    return found | {OS_RELEASE: f"{own}: {named}" if named else own, CPU: f"{own}: {cpus.source}"}


def _remarks(
    document: Mapping[str, Any], block: Mapping[str, Any], architecture: str, kernel: _Kernel
) -> dict[str, str]:
    hardware = (name for name in catalogue().features if name.partition(".")[0] not in ("kernel", "system", "local"))
    found = dict.fromkeys((*hardware, "system.dmiid"), HARDWARE)
    found |= {f"{LOADED}/{name}": how or NOT_LOADED for name, how in kernel.loadable.items()}
    found |= {f"{ENABLED}/{name}": how or NOT_LOADED for name, how in kernel.loadable.items()}
    found |= {f"{LOADED}/{name}": BUILT_IN for name in kernel.built_in}
    found |= {f"driver/{VENDORS.get(name, name)}": _driver(row) for name, row in document.get("drivers", {}).items()}
    if not block:
        name = document["metadata"]["name"]
        found |= dict.fromkeys((CONFIG, LOADED, ENABLED, VERSION), f"the profile {name} has no data for {architecture}")
    return found


def _driver(row: Mapping[str, Any]) -> str:
    """Say in a few words how a node comes by a driver, and of which branch it is unless the node says otherwise."""
    how = row.get("how") or (row["bundled"] if isinstance(row["bundled"], str) else "bundled with the system")
    branch = f"branch {row['defaultBranch']} by default" if "defaultBranch" in row else ""
    kinds = ", ".join(f"{row[kind]} ({kind})" for kind in ("lts", "production") if kind in row)
    return "; ".join(filter(None, (how, branch, kinds)))


def _driver_source(document: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Say what the profile rests on there: versions that were seen are dated hints, as nodes differ."""
    seen = f"seen: {row['observedVersion']}" if "observedVersion" in row else ""
    told = "; ".join(filter(None, (seen, row.get("source", ""))))
    own = f"profile {document['metadata']['name']}"
    return f"{own}: {told}" if told else own


def _settings(document: Mapping[str, Any]) -> NodeSettings:
    policy = document.get("policy", {})
    return NodeSettings(
        sysctl=document.get("sysctl", {}),
        cmdline=document.get("cmdline", ""),
        blocked=policy.get("blockedModules", {}),
        lockdown=policy.get("lockdown", ""),
        signatures=policy.get("moduleSignatures") == "enforced",
        distribution=distribution(document["osRelease"], document["metadata"]["name"]),
        source=_settings_source(document),
        policy_source=policy.get("source", ""),
    )


def _settings_source(document: Mapping[str, Any]) -> str:
    """Give the note that says where the sysctls were read: one that speaks of them, or names one."""
    words = ("sysctl", *(key.rpartition(".")[2] for key in document.get("sysctl", ())))
    found = (note for word in words for note in document.get("notes", ()) if word in note)
    own = f"profile {document['metadata']['name']}"
    return f"{own}: {note}" if (note := next(found, "")) else own


def distribution(fields: Mapping[str, str], name: str = "") -> str:
    """Name the distribution by its os-release; what calls itself ``rhel`` on OpenShift from 4.20 on is ``rhcos``."""
    if "OPENSHIFT_VERSION" in fields:
        return "rhcos"
    return fields.get("ID", name.partition("-")[0])


def _shown_settings(document: Mapping[str, Any]) -> dict[str, str]:
    boot = {"cmdline": document["cmdline"]} if document.get("cmdline") else {}
    return {**document.get("sysctl", {}), **boot}
