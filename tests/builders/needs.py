"""Random requirements and hosts, and what each requirement means: the standard that compiled rules are held to."""

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from random import Random

from pydantic import TypeAdapter

from compatbuild.model import requirement as model
from compatbuild.model.requirement import AnyRequirement, Requirement
from compatbuild.nfd.encodings import COMPUTE_MAJOR, COMPUTE_MINOR, DRIVER_VERSION, LEVEL_FLAGS
from compatbuild.nfd.features import Features
from compatbuild.nfd.ranges import Range
from tests.builders.hosts import gpu_labels, host

# Releases as NFD publishes them, of the distributions in which version comparison or major/minor fail, and others.
RELEASES = (
    "4.18.0-553.el8_10.x86_64",
    "5.14.0-427.13.1.el9_4.x86_64",
    "6.12.0-55.9.1.el10_0.x86_64",
    "5.10.230-223.885.amzn2.x86_64",
    "6.1.102-111.187.amzn2023.x86_64",
    "6.6.57.1-8.azl3",
    "5.15.173.1-1.cm2",
    "5.15.153.1-microsoft-standard-WSL2",
    "6.12.38_deb13-amd64",
    "6.6.51_rpt-rpi-v8",
    "6.1.0-18-amd64",
    "6.1.75-1.ph5",
    "5.10.198-1.ph4-esx",
    "6.1.75",
    "6.8.0-45-generic",
    "5.15.0-1053-azure",
    "5.14.21-150500.55.19-default",
    "6.6.60-talos",
    "6.6.54-flatcar",
    "5.15.0-01",
    "6.8",
    "6.8-rc1",
    "7.0.0-rc3",
    "6",
    "5.9.16-200.fc33.x86_64",
    "10.2.1",
)
MODULES = ("nvidia", "i915", "xe", "fuse", "vfio-pci", "ib_uverbs")
OPTIONS = ("FUSE_FS", "TUN", "BPF_SYSCALL")
FLAGS = ("AVX2", "AVX512F", "SSE42")

_ADAPTER: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)


def requirement(**fields: object) -> AnyRequirement:
    """Give a requirement from its mapping."""
    return _ADAPTER.validate_python(fields)


def random_requirements(random: Random) -> list[AnyRequirement]:
    """Give some requirements, some of which have alternatives."""
    count = random.randint(0, 5)
    return [random_alternatives(random) if random.random() < 0.2 else random_requirement(random) for _ in range(count)]


def random_alternatives(random: Random) -> AnyRequirement:
    ways = [[random_requirement(random) for _ in range(random.randint(1, 2))] for _ in range(random.randint(1, 3))]
    return requirement(any=ways, comment=random.choice(["", "either will do"]))


def random_requirement(random: Random) -> AnyRequirement:
    kind = random.choice(list(_RANDOM))
    return requirement(comment=random.choice(["", f"{kind} is needed"]), **_RANDOM[kind](random))


def random_host(random: Random) -> Features:
    """Give a host whose facts collide with those of random requirements often."""
    driver = random.choice(["", "470.256.02", "535.104.05", "550.54.15", "610.1"])
    vendors = random.choices(["10de", "8086", "1002"], k=random.randint(0, 3))
    pages = random.choice([{}, {"hugepages-2Mi": random.choice(["0", "512", "1024"])}])
    return host(
        level=random.choice(["x86-64-v1", "x86-64-v2", "x86-64-v3"]),
        flags=_some(random, FLAGS),
        release=random.choice(RELEASES),
        config=random.choice([None, {name: random.choice(["y", "m", "1000"]) for name in _some(random, OPTIONS)}]),
        loaded=[name.replace("-", "_") for name in _some(random, MODULES)],
        builtin=_some(random, MODULES),
        labels=gpu_labels(driver, random.choice(["", "7.5", "8.0", "8.6", "9.0"])),
        pci=[
            {"vendor": vendor, "class": random.choice(["0300", "0302", "0200"]), "device": "2330"} for vendor in vendors
        ],
        hugepages={"enabled": random.choice(["true", "false"]), **pages},
    )


def _some(random: Random, names: Sequence[str]) -> list[str]:
    return [name for name in names if random.random() < 0.5]


def _range(random: Random, versions: Sequence[str]) -> str:
    """Give a satisfiable range around some versions."""
    low, high = sorted(random.choices(range(len(versions)), k=2))
    forms = [
        f">={versions[low]}",
        f"<{versions[high]}",
        f"<={versions[high]}",
        f"!={versions[low]}",
        f"=={versions[low]}",
    ]
    forms += [f">{versions[low]}"] + ([f">={versions[low]},<{versions[high]}"] if low < high else [])
    return random.choice(forms)


_KERNELS = ("4.18", "5.10", "5.14.0", "5.15", "6.1", "6.6.57", "6.8", "6.12.38", "7")
_DRIVERS = ("470", "525.60.13", "535.104.05", "550", "550.54.15", "580.65.06")
_COMPUTES = ("7.0", "7.5", "8.0", "8.6", "9.0", "10")
_WHEN = ("present", "always")

_RANDOM: dict[str, Callable[[Random], dict[str, object]]] = {
    "architecture": lambda r: {"architecture": r.choice(["amd64", "arm64"])},
    "level": lambda r: {"cpu": r.choice(list(LEVEL_FLAGS))},
    "flags": lambda r: {"cpu": r.sample(FLAGS, 2)},
    "kernel": lambda r: {"kernel": _range(r, _KERNELS)},
    "release": lambda r: {"kernel_release": r.sample(["6.1.75+", "6.12.38+deb13-amd64", "6.8"], 2)},
    "facility": lambda r: {
        "facility": r.sample(OPTIONS, r.randint(1, 2)),
        "modules": r.sample(MODULES, r.randint(0, 2)),
    },
    "config": lambda r: {
        "config": {name: r.choice([["y"], ["y", "m"], [], ["1000"]]) for name in r.sample(OPTIONS, 2)}
    },
    "module": lambda r: {"module": r.sample(MODULES, r.randint(1, 2)), "state": r.choice(["loaded", "enabled"])},
    "pci": lambda r: {
        "pci": r.sample(["10de", "8086", "1002"], r.randint(1, 2)),
        "classes": r.choice([[], ["03"], ["0302", "02"]]),
        "devices": r.choice([[], ["2330"], ["1234"]]),
    },
    "driver": lambda r: {"driver": _range(r, _DRIVERS), "when": r.choice(_WHEN)},
    "compute": lambda r: {"compute": _range(r, _COMPUTES), "when": r.choice(_WHEN)},
    "hugepages": lambda r: {"hugepages": r.choice(["any", {"2Mi": _range(r, ("1", "512", "1024"))}])},
    "nfd": lambda r: {"nfd": "pci.device", "name": "vendor", "op": r.choice(["In", "NotIn"]), "value": ["10de"]},
}


@singledispatch
def meets(wanted: Requirement, on: Features) -> bool:
    """Tell whether a host meets a requirement, judged from what the requirement says."""
    raise NotImplementedError(type(wanted))


@meets.register
def _(wanted: model.ArchitectureRequirement, on: Features) -> bool:
    return wanted.architecture == "amd64"  # of which all hosts here are


@meets.register
def _(wanted: model.CpuRequirement, on: Features) -> bool:
    flags = wanted.cpu if isinstance(wanted.cpu, tuple) else LEVEL_FLAGS[wanted.cpu]
    return set(flags) <= (on.flags["cpu.cpuid"] or set())


@meets.register
def _(wanted: model.KernelRequirement, on: Features) -> bool:
    return Range.parse(wanted.kernel).contains(_attributes(on, "kernel.version")["full"])


@meets.register
def _(wanted: model.KernelReleaseRequirement, on: Features) -> bool:
    published = {release.replace("+", "_").strip("_") for release in wanted.kernel_release}
    return _attributes(on, "kernel.version")["full"] in published


@meets.register
def _(wanted: model.FacilityRequirement, on: Features) -> bool:
    config = _attributes(on, "kernel.config")
    configured = all(config.get(option) in {"y", "m"} for option in wanted.facility)
    return configured or bool(_plain(wanted.modules) & _plain(on.flags["kernel.enabledmodule"] or ()))


@meets.register
def _(wanted: model.ConfigRequirement, on: Features) -> bool:
    if "kernel.config" not in on.attributes:
        return False
    config = _attributes(on, "kernel.config")
    return all(
        config[name] in values if name in config else not values for name, values in wanted.config.items()
    ) and all(values or name not in config for name, values in wanted.config.items())


@meets.register
def _(wanted: model.ModuleRequirement, on: Features) -> bool:
    return bool(_plain(wanted.module) & _plain(on.flags[f"kernel.{wanted.state}module"] or ()))


@meets.register
def _(wanted: model.PciRequirement, on: Features) -> bool:
    return any(
        device["vendor"] in wanted.pci
        and (not wanted.classes or device["class"].startswith(wanted.classes))
        and (not wanted.devices or device["device"] in wanted.devices)
        for device in on.instances["pci.device"]
    )


@meets.register
def _(wanted: model.DriverRequirement, on: Features) -> bool:
    label = _attributes(on, "local.label").get(DRIVER_VERSION)
    loaded = "nvidia" in (on.flags["kernel.loadedmodule"] or ())
    good = label is None or Range.parse(wanted.driver).contains(label)
    return loaded and good if wanted.when == "always" else good or not loaded


@meets.register
def _(wanted: model.ComputeRequirement, on: Features) -> bool:
    labels = _attributes(on, "local.label")
    if COMPUTE_MAJOR not in labels:
        return wanted.when == "present"
    return Range.parse(wanted.compute).contains(f"{labels[COMPUTE_MAJOR]}.{labels[COMPUTE_MINOR]}")


@meets.register
def _(wanted: model.HugepagesRequirement, on: Features) -> bool:
    pages = _attributes(on, "memory.hugepages")
    if isinstance(wanted.hugepages, str):
        return pages["enabled"] == "true"
    counts = {size: pages.get(f"hugepages-{size}") for size in wanted.hugepages}
    return all(
        count is not None and Range.parse(wanted.hugepages[size]).contains(count) for size, count in counts.items()
    )


@meets.register
def _(wanted: model.NfdRequirement, on: Features) -> bool:
    vendors = [device["vendor"] for device in on.instances["pci.device"]]
    return any((vendor in wanted.value) == (wanted.op == "In") for vendor in vendors)


@meets.register
def _(wanted: model.AlternativesRequirement, on: Features) -> bool:
    return any(all(meets(each, on) for each in way) for way in wanted.any)


def _attributes(on: Features, name: str) -> Mapping[str, str]:
    return on.attributes.get(name) or {}


def _plain(names: Sequence[str] | frozenset[str]) -> set[str]:
    return {name.replace("-", "_") for name in names}
