"""Specifications and nodes that have something to do with each other, drawn from a seeded generator."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from compatbuild.hosts.osrelease import kernel_version, os_release
from compatbuild.nfd.features import Features
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Range

FLAGS = ["SSE2", "SSE42", "CX16", "AVX", "AVX2", "FMA3", "AVX512F", "X86_64_V3", "BMI2"]
RELEASES = [
    *("5.14.0-427.13.1.el9_4.x86_64", "6.8.0-45-generic", "6.6.57.1-8.azl3", "6.12.38+deb13-amd64", "5.10.0"),
    *("4.18.0-553.el8_10.x86_64", "6.1.75+", "6.1.72-1.ph5", "5.15.153.1-microsoft-standard-WSL2", "6.0", "7-rc1"),
]
RANGES = [
    ">=5.10",
    ">=5.10,<6.8",
    "<6.8",
    ">=6",
    "<5.10",
    ">=5.14,<5.15",
    ">=4.18.3",
    "<6.1.75",
    ">=5,<7",
    ">=6.1.70,<6.13",
]
LABELS = {
    "nvidia.com/gpu.compute.major": ["7", "8", "9"],
    "nvidia.com/cuda.driver-version.full": ["470.82.01", "550.54.15"],
    "example.com/site": ["north", "south", "a b", ""],
    "plain": ["yes"],
    "node.kubernetes.io/denied": ["yes"],
}
PCI = [
    ("0302", "10de"),
    ("0300", "10de"),
    ("0380", "1002"),
    ("1200", "1002"),
    ("0b40", "8086"),
    ("0200", "15b3"),
    ("0300", "1a03"),
]
USB = [("0e", "046d", "082d"), ("ff", "1234", "abcd"), ("03", "046d", "c31c")]


def node(random: Random) -> Features:
    """A node as NFD 0.19 publishes one."""
    arm = random.random() < 0.15
    cpu = {"ASIMD", "FP", "SVE"} if arm else {"SSE2", *(name for name in FLAGS if random.random() < 0.6)}
    release = random.choice(RELEASES)
    config = {name: "y" for name in ("IO_URING", "NO_HZ", "PREEMPT") if random.random() < 0.5} | {"HZ": "250"}
    version = random.choice(["9.4", "24.04", "12", "39.20240101.3.0", "odd one"])
    attributes: dict[str, dict[str, str]] = {
        "cpu.model": {
            "vendor_id": random.choice(["Intel", "AMD", "Some Maker"]),
            "family": random.choice(["6", "25", "0"]),
            "id": random.choice(["0", "85", "143"]),
            "hypervisor": random.choice(["none", "kvm"]),
        },
        "cpu.security": random.choice([{}, {"sgx.enabled": "true", "sgx.epc": "1024"}, {"tdx.total_keys": "31"}]),
        "cpu.topology": {"hardware_multithreading": random.choice(["true", "false"]), "socket_count": "2"},
        "cpu.pstate": random.choice([{}, {"status": "active", "turbo": "true"}]),
        "cpu.sst": random.choice([{}, {"bf.enabled": "true"}]),
        "cpu.rdt": random.choice([{}, {"RDTMON": "true"}]),
        "kernel.version": kernel_version(release),
        "kernel.config": config,
        "kernel.selinux": {"enabled": random.choice(["true", "false"])},
        "memory.numa": {"is_numa": random.choice(["true", "false"]), "node_count": "2"},
        "memory.swap": {"enabled": random.choice(["true", "false"])},
        "system.osrelease": os_release({"ID": random.choice(["rhel", "ubuntu"]), "VERSION_ID": version, "NAME": "A B"}),
        "local.label": {name: random.choice(values) for name, values in LABELS.items() if random.random() < 0.5},
    }
    if random.random() < 0.3:
        attributes["cpu.cpuid"] = {"AVX10_VERSION": random.choice(["1", "2"])}
    for gone in ("kernel.config", "kernel.selinux", "memory.swap"):
        if random.random() < 0.1:
            del attributes[gone]
    modules = frozenset(name for name in ("nvidia", "vfio_pci") if random.random() < 0.5)
    return Features(
        flags={"cpu.cpuid": frozenset(cpu), "kernel.loadedmodule": modules},
        attributes=attributes,
        instances=_devices(random),
    )


def _devices(random: Random) -> dict[str, tuple[dict[str, str], ...]]:
    def some(rows: list[dict[str, str]]) -> tuple[dict[str, str], ...]:
        return tuple(row for row in rows if random.random() < 0.4)

    pci = [{"class": one, "vendor": vendor, "device": "2330"} for one, vendor in PCI]
    return {
        "pci.device": some([*pci, {**pci[0], "sriov_totalvfs": "8"}]),
        "usb.device": some([{"class": one, "vendor": vendor, "device": device} for one, vendor, device in USB]),
        "storage.block": some([{"name": "sda", "rotational": "1"}, {"name": "nvme0n1", "rotational": "0"}]),
        "memory.nv": some([{"name": "a", "devtype": "nd_dax"}, {"name": "b", "devtype": "nd_pmem"}]),
        "network.device": some([{"name": "eth0", "sriov_totalvfs": "0"}, {"name": "eth1", "sriov_totalvfs": "64"}]),
    }


def specification(random: Random, terms: Callable[[Random], dict[str, Any]] | None = None) -> bytes:
    """A specification of one to three sets; ``terms`` draws its terms."""
    draw = terms or term

    def rule(at: int) -> dict[str, Any]:
        told: dict[str, Any] = {
            "name": f"rule {at}",
            "matchFeatures": [draw(random) for _ in range(random.choice([0, 1, 1, 2]))],
        }
        branches = random.choice([0, 0, 1, 2, 3]) if told["matchFeatures"] else 2
        if not told["matchFeatures"]:
            del told["matchFeatures"]
        if branches:
            told["matchAny"] = [
                {"matchFeatures": [draw(random) for _ in range(random.choice([1, 1, 2]))]} for _ in range(branches)
            ]
        return told

    sets = [
        {
            "tag": f"t{at}",
            "weight": random.choice([0, 1, 5, 90]),
            "rules": [rule(one) for one in range(random.choice([1, 1, 2]))],
        }
        for at in range(random.choice([1, 1, 2, 3]))
    ]
    return json.dumps({"version": "v1alpha1", "compatibilities": sets}).encode()


def term(random: Random) -> dict[str, Any]:
    """Any term that validation lets pass, said in labels or not."""
    return random.choice([*EXACT, *EXACT, *WEAKER])(random)


def exact(random: Random) -> dict[str, Any]:
    """A term that labels say exactly, on nodes as ``node`` draws them."""
    return random.choice(EXACT)(random)


Draw = Callable[[Random], dict[str, Any]]


def on(feature: str, *choices: tuple[str, str, list[list[str]]], type_: str = "") -> Draw:
    """Draw a term on one element: a choice is its name, an operator, and lists of values to pick from."""

    def draw(random: Random) -> dict[str, Any]:
        name, op, values = random.choice(choices)
        asked: dict[str, Any] = {"op": op}
        if values:
            asked["value"] = random.choice(values)
        if type_:
            asked["type"] = type_
        return {"feature": feature, "matchExpressions": {name: asked}}

    return draw


def flags(random: Random) -> dict[str, Any]:
    names = random.sample(
        ["AVX", "AVX2", "FMA3", "AVX512F", "X86_64_V3", "ASIMD", "AVX10_VERSION"], random.choice([1, 2])
    )
    return {
        "feature": "cpu.cpuid",
        "matchExpressions": {name: {"op": random.choice(["Exists", "Exists", "DoesNotExist"])} for name in names},
    }


def names(random: Random) -> dict[str, Any]:
    return {"feature": "CPU.cpuid", "matchName": {"op": "In", "value": random.sample(["AVX", "AVX2", "FMA3"], 2)}}


def device(**asked: tuple[str, list[str]]) -> dict[str, Any]:
    return {name: {"op": op, "value": value} if value else {"op": op} for name, (op, value) in asked.items()}


def gpu(random: Random) -> dict[str, Any]:
    classes = random.choice([["0302"], ["0300", "0302"], ["1200"], ["0b40"]])
    vendors = random.choice([["10de"], ["1002", "10de"], ["8086"]])
    return {
        "feature": "pci.device",
        "matchExpressions": device(**{"class": ("In", classes), "vendor": ("In", vendors)}),
    }


def odd_device(random: Random) -> dict[str, Any]:
    vendor = ("In", ["10de", "1002"])
    chosen = random.choice(
        [
            {"class": ("InRegexp", ["^03"]), "vendor": vendor},
            {"class": ("InRegexp", ["^(03|12|0b40)"]), "vendor": vendor},
            {"class": ("InRegexp", ["^0"]), "vendor": vendor},
            {"class": ("InRegexp", ["03"]), "vendor": vendor},
            {"class": ("In", ["0200", "0302"]), "vendor": ("In", ["15b3", "10de"])},
            {"vendor": vendor},
            {"class": ("In", ["0302"]), "vendor": vendor, "sriov_totalvfs": ("Exists", [])},
            {"class": ("In", ["0302"]), "vendor": vendor, "device": ("In", ["2330", "1eb8"])},
        ]
    )
    return {"feature": "pci.device", "matchExpressions": device(**chosen)}


def other_device(random: Random) -> dict[str, Any]:
    choices: list[tuple[str, dict[str, tuple[str, list[str]]]]] = [
        (
            "usb.device",
            {"class": ("In", ["0e", "ff"]), "vendor": ("In", ["046d", "1234"]), "device": ("In", ["082d", "abcd"])},
        ),
        (
            "usb.device",
            {"class": ("In", ["03", "0e"]), "vendor": ("In", ["046d"]), "device": ("In", ["082d", "c31c"])},
        ),
        ("storage.block", {"rotational": ("In", ["0"])}),
        ("storage.block", {"rotational": ("In", ["0", "1"])}),
        ("memory.nv", {"devtype": ("In", ["nd_dax"])}),
        ("memory.nv", {"name": ("Exists", [])}),
        ("network.device", {"sriov_totalvfs": ("Gt", ["0"])}),
        ("network.device", {"sriov_totalvfs": ("Ge", ["0"])}),
    ]
    feature, asked = random.choice(choices)
    return {"feature": feature, "matchExpressions": device(**asked)}


def kernel(random: Random) -> dict[str, Any]:
    pattern = version_pattern(Range.parse(random.choice(RANGES)))
    return {"feature": "kernel.version", "matchExpressions": {"full": {"op": "InRegexp", "value": [pattern]}}}


EXACT: list[Draw] = [
    flags,
    flags,
    names,
    gpu,
    on("cpu.model", ("vendor_id", "In", [["Intel"], ["AMD", "Intel"]]), ("family", "In", [["6"], ["6", "25"]])),
    on("cpu.model", ("family", "Ge", [["6"], ["0"], ["7"], ["-3"]]), ("id", "Gt", [["84"], ["0"], ["-1"]])),
    on("cpu.model", ("id", "Lt", [["85"], ["-2"]]), ("id", "Le", [["85"], ["9223372036854775807"]])),
    on(
        "cpu.model",
        ("id", "GeLe", [["85", "143"], ["0", "1"]]),
        ("id", "GtLt", [["0", "143"]]),
        ("id", "NotIn", [["85"]]),
    ),
    on(
        "cpu.security",
        ("sgx.enabled", "IsTrue", []),
        ("sgx.enabled", "Exists", []),
        ("sgx.enabled", "DoesNotExist", []),
    ),
    on("cpu.topology", ("hardware_multithreading", "IsTrue", []), ("hardware_multithreading", "IsFalse", [])),
    on("cpu.pstate", ("status", "In", [["active", "passive"]]), ("turbo", "IsTrue", [])),
    on("cpu.sst", ("bf.enabled", "IsTrue", [])),
    on("memory.numa", ("is_numa", "IsTrue", [])),
    on("system.osrelease", ("ID", "In", [["rhel"], ["rhel", "ubuntu"]]), ("VERSION_ID.major", "Ge", [["12"], ["20"]])),
    on(
        "local.label",
        ("nvidia.com/gpu.compute.major", "Ge", [["8"], ["9"]]),
        ("example.com/site", "In", [["north", ""]]),
    ),
]
WEAKER: list[Draw] = [
    kernel,
    kernel,
    odd_device,
    other_device,
    on("cpu.cpuid", ("SSE2", "Exists", []), ("SSE42", "Exists", []), ("BMI2", "DoesNotExist", [])),
    on("cpu.model", ("vendor_id", "NotIn", [["Intel"], ["Some Maker"]]), ("vendor_id", "Exists", [])),
    on("cpu.model", ("vendor_id", "In", [["Some Maker", "AMD"]]), ("vendor_id", "InRegexp", [["^A"]])),
    on("cpu.security", ("tdx.total_keys", "Gt", [["1"]])),
    on("cpu.topology", ("socket_count", "Ge", [["2"]])),
    on("cpu.rdt", ("RDTMON", "IsTrue", [])),
    on(
        "kernel.config",
        ("NO_HZ", "In", [["y"], ["y", "m"]]),
        ("PREEMPT", "DoesNotExist", []),
        ("IO_URING", "In", [["y"]]),
    ),
    on("kernel.selinux", ("enabled", "IsFalse", []), ("enabled", "IsTrue", [])),
    on("memory.swap", ("enabled", "In", [["false"]]), ("enabled", "NotIn", [["true"]])),
    on("system.osrelease", ("NAME", "Exists", []), ("VERSION_ID", "In", [["odd one", "9.4"], ["9.4"]])),
    on("system.osrelease", ("VERSION_ID", "Exists", []), ("VERSION_ID.minor", "Lt", [["5"]])),
    on("local.label", ("nvidia.com/cuda.driver-version.full", "Ge", [["525"]]), type_="version"),
    on("local.label", ("example.com/site", "Exists", []), ("example.com/site", "NotIn", [["north"]])),
    on("local.label", ("example.com/site", "DoesNotExist", []), ("node.kubernetes.io/denied", "In", [["yes"]])),
    on("kernel.loadedmodule", ("nvidia", "DoesNotExist", []), ("vfio_pci", "Exists", [])),
]
