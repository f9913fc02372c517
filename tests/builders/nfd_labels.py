"""The labels that a node has when NFD 0.19 runs there as it comes, written from ``GetLabels`` of its sources.

Nothing here is taken from our own tables. ``kubernetes.io/arch`` is the kubelet's.
"""

from __future__ import annotations

import re

from compatbuild.nfd.features import Features

NS = "feature.node.kubernetes.io/"
BLACKLIST = """AVX10 BMI1 BMI2 CLMUL CMOV CX16 ERMS F16C HTT LZCNT MMX MMXEXT NX POPCNT RDRAND RDSEED RDTSCP SGX SGXLC
    SSE SSE2 SSE3 SSE4 SSE42 SSSE3 TDX_GUEST""".split()
ARCHITECTURES = {"SSE2": "amd64", "ASIMD": "arm64", "PPC64": "ppc64le", "ZARCH": "s390x"}


def labels(features: Features) -> dict[str, str]:
    """Give all labels of a node; what Kubernetes takes for no label is left out, as nfd-worker does."""
    found: dict[str, str] = {}
    for source in (cpu, kernel, memory, network, pci, storage, system, usb):
        found |= {f"{NS}{source.__name__}-{name}": value for name, value in source(features).items()}
    for name, value in values(features, "local.label").items():
        found[name if "/" in name else NS + name] = value
    kept = {name: value for name, value in found.items() if is_name(name) and is_value(value)}
    arch = next((arch for flag, arch in ARCHITECTURES.items() if flag in flags(features)), "riscv64")
    return {**kept, "kubernetes.io/arch": arch}


def flags(features: Features) -> frozenset[str]:
    return features.flags.get("cpu.cpuid") or frozenset()


def values(features: Features, feature: str) -> dict[str, str]:
    return dict(features.attributes.get(feature) or {})


def cpu(features: Features) -> dict[str, str]:
    found = {f"cpuid.{name}": "true" for name in flags(features) if name not in BLACKLIST}
    for feature in ("cpuid", "model", "cstate", "pstate"):
        found |= {f"{feature}.{name}": value for name, value in values(features, f"cpu.{feature}").items()}
    skipped = {"tdx.total_keys", "sgx.epc", "sev.encrypted_state_ids", "sev.asids"}
    security = values(features, "cpu.security").items()
    found |= {f"security.{name}": value for name, value in security if name not in skipped}
    found |= {f"power.sst_{name}": value for name, value in values(features, "cpu.sst").items()}
    topology, coprocessor = values(features, "cpu.topology"), values(features, "cpu.coprocessor")
    if "hardware_multithreading" in topology:
        found["hardware_multithreading"] = topology["hardware_multithreading"]
    if "nx_gzip" in coprocessor:
        found["coprocessor.nx_gzip"] = coprocessor["nx_gzip"]
    return found


def kernel(features: Features) -> dict[str, str]:
    found = {f"version.{name}": value for name, value in values(features, "kernel.version").items()}
    config = values(features, "kernel.config")
    for option in ("NO_HZ", "NO_HZ_IDLE", "NO_HZ_FULL", "PREEMPT"):
        if option in config:
            found[f"config.{option}"] = "true" if config[option] in ("y", "m") else config[option]
    if values(features, "kernel.selinux").get("enabled") == "true":
        found["selinux.enabled"] = "true"
    return found


def memory(features: Features) -> dict[str, str]:
    found = {}
    if values(features, "memory.numa").get("is_numa") == "true":
        found["numa"] = "true"
    if values(features, "memory.swap").get("enabled") == "true":
        found["swap"] = "true"
    devices = features.instances.get("memory.nv", ())
    if devices:
        found["nv.present"] = "true"
    if any(device.get("devtype") == "nd_dax" for device in devices):
        found["nv.dax"] = "true"
    return found


def network(features: Features) -> dict[str, str]:
    found = {}
    for device in features.instances.get("network.device", ()):
        for attribute, name in (("sriov_totalvfs", "sriov.capable"), ("sriov_numvfs", "sriov.configured")):
            if int(device.get(attribute, "0")) > 0:
                found[name] = "true"
    return found


def pci(features: Features) -> dict[str, str]:
    found = {}
    for device in features.instances.get("pci.device", ()):
        if device["class"].startswith(("03", "0b40", "12")):
            name = f"{device['class']}_{device['vendor']}"
            found[f"{name}.present"] = "true"
            if "sriov_totalvfs" in device:
                found[f"{name}.sriov.capable"] = "true"
    return found


def storage(features: Features) -> dict[str, str]:
    devices = features.instances.get("storage.block", ())
    return {"nonrotationaldisk": "true"} if any(device.get("rotational") == "0" for device in devices) else {}


def system(features: Features) -> dict[str, str]:
    release = values(features, "system.osrelease")
    names = ("ID", "VERSION_ID", "VERSION_ID.major", "VERSION_ID.minor")
    return {f"os_release.{name}": release[name] for name in names if name in release}


def usb(features: Features) -> dict[str, str]:
    return {
        f"{device['class']}_{device['vendor']}_{device['device']}.present": "true"
        for device in features.instances.get("usb.device", ())
        if device["class"].startswith(("0e", "ef", "fe", "ff"))
    }


def is_name(key: str) -> bool:
    return re.fullmatch(r"([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", key) is not None


def is_value(text: str) -> bool:
    return re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", text) is not None
