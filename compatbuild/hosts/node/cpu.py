"""What NFD's CPU source publishes.

Source: node-feature-discovery v0.19.0 ``source/cpu``. NFD asks the processor itself; here /proc/cpuinfo is asked, which
shows less, so that some flags are unknown.
"""

from compatbuild.hosts.node.cpuinfo import Processor, invisible, nfd_flags, parse_cpuinfo
from compatbuild.hosts.node.found import Found
from compatbuild.hosts.node.tree import Tree
from compatbuild.nfd.encodings import CPU

CPUINFO, CPUS, SYSTEM = "/proc/cpuinfo", "/sys/bus/cpu/devices", "/sys/devices/system/cpu"
CLOCKS = "/sys/devices/system/clocksource/clocksource0/available_clocksource"
UNREADABLE = "/proc/cpuinfo of the host cannot be read, or is not one of x86 or arm64"
MISC = ("/sys/fs/cgroup/misc.capacity", "/sys/fs/cgroup/misc/misc.capacity")
RDT = {
    "RDTMON": {"cqm", "cqm_llc"},
    "RDTCMT": {"cqm", "cqm_llc", "cqm_occup_llc"},
    "RDTMBM": {"cqm", "cqm_llc", "cqm_mbm_total", "cqm_mbm_local"},
    "RDTL3CA": {"rdt_a", "cat_l3"},
    "RDTL2CA": {"rdt_a", "cat_l2"},
    "RDTMBA": {"rdt_a", "mba"},
}
"""What of Intel's resource director needs which flags of Linux."""


def read_cpu(tree: Tree, found: Found) -> Processor | None:
    """Read everything about the CPUs; gives the first of them."""
    processor = parse_cpuinfo(tree.text(CPUINFO) or "")
    if processor is None:
        for feature in (CPU, "cpu.model", "cpu.rdt", "cpu.security"):
            found.unknown(feature, UNREADABLE)
    else:
        _flags(processor, found)
        _model(tree, processor, found)
        found.attribute("cpu.rdt", _rdt(tree, processor), CPUINFO)
        found.attribute("cpu.security", _security(tree, processor), "/proc/cpuinfo and /sys/module/kvm_*/parameters")
    _topology(tree, found)
    _power(tree, found)
    found.attribute("cpu.coprocessor", {}, "only POWER has one")
    return processor


def _flags(processor: Processor, found: Found) -> None:
    flags = nfd_flags(processor)
    found.flag(CPU, flags, CPUINFO)
    for name in invisible(processor, flags):
        found.unknown(f"{CPU}/{name}", "/proc/cpuinfo does not show this flag")
    if processor.x86:
        found.unknown(f"{CPU}/AVX10_VERSION", "/proc/cpuinfo does not show it")


def _model(tree: Tree, processor: Processor, found: Found) -> None:
    if not processor.x86:
        found.unknown("cpu.model", "NFD takes it from registers that /proc/cpuinfo does not show in that form")
        return
    numbers = {"family": str(processor.number("cpu family")), "id": str(processor.number("model"))}
    model = {"vendor_id": processor.vendor, **numbers}
    if "hypervisor" not in processor.flags:
        model["hypervisor"] = "none"
    elif "kvm-clock" in (tree.text(CLOCKS) or ""):
        model["hypervisor"] = "kvm"
    else:
        found.unknown("cpu.model/hypervisor", "which hypervisor it is does not stand in /proc or /sys")
    found.attribute("cpu.model", model, CPUINFO)


def _rdt(tree: Tree, processor: Processor) -> dict[str, str]:
    found = {name: "true" for name, flags in RDT.items() if processor.flags >= flags}
    classes = tree.text("/sys/fs/resctrl/info/L3/num_closids") or ""
    if "RDTL3CA" in found and classes.isascii() and classes.isdigit():
        found["RDTL3CA_NUM_CLOSID"] = str(int(classes) - 1)  # one is the default group
    return found


def _security(tree: Tree, processor: Processor) -> dict[str, str]:
    found: dict[str, str] = {}
    if "sgx" in processor.flags and (size := _sgx_bytes(tree)):
        found |= {"sgx.enabled": "true", "sgx.epc": str(size)}
    if tree.text("/sys/module/kvm_intel/parameters/tdx") == "Y":
        found |= {"tdx.enabled": "true"} | _capacity(tree, "tdx", "tdx.total_keys")
    if "tdx_guest" in processor.flags:
        found["tdx.protected"] = "true"
    if _amd(tree, "sev"):
        found |= {"sev.enabled": "true"} | _capacity(tree, "sev", "sev.asids")
    if _amd(tree, "sev_es"):
        found |= {"sev.es.enabled": "true"} | _capacity(tree, "sev_es", "sev.encrypted_state_ids")
    if _amd(tree, "sev_snp"):
        found["sev.snp.enabled"] = "true"
    return found


def _sgx_bytes(tree: Tree) -> int:
    nodes = "/sys/devices/system/node"
    sizes = [tree.text(f"{nodes}/{name}/x86/sgx_total_bytes") or "" for name in tree.names(nodes) or ()]
    return sum(int(size) for size in sizes if size.isascii() and size.isdigit())


def _amd(tree: Tree, parameter: str) -> bool:
    return (tree.text(f"/sys/module/kvm_amd/parameters/{parameter}") or "")[:1] in ("1", "Y")


def _capacity(tree: Tree, resource: str, element: str) -> dict[str, str]:
    """Read how many of a resource the control group of miscellaneous things has."""
    text = next((text for place in MISC if (text := tree.text(place)) is not None), "")
    rows = (line.split(" ") for line in text.splitlines() if line.startswith(resource))
    value = next((row[1] for row in rows if len(row) > 1), "")
    return {element: value} if value.isascii() and value.isdigit() else {}


def _topology(tree: Tree, found: Found) -> None:
    names = tree.names(CPUS)
    siblings = [tree.text(f"{CPUS}/{name}/topology/thread_siblings_list") for name in names or ()]
    packages = [tree.text(f"{CPUS}/{name}/topology/physical_package_id") for name in names or ()]
    if names is None or None in siblings or None in packages:
        found.unknown("cpu.topology", f"{CPUS} cannot be read; mount the host's /sys")
        return
    threads = any("," in one or "-" in one for one in siblings if one)
    elements = {"hardware_multithreading": "true" if threads else "false", "socket_count": str(len({*packages}))}
    found.attribute("cpu.topology", elements, CPUS)


def _power(tree: Tree, found: Found) -> None:
    """Read intel_idle, intel_pstate and speed select."""
    if not tree.exists(SYSTEM):
        for feature in ("cpu.cstate", "cpu.pstate", "cpu.sst"):
            found.unknown(feature, "/sys of the host is not mounted")
        return
    states = tree.text("/sys/module/intel_idle/parameters/max_cstate") or ""
    idle = tree.text(f"{SYSTEM}/cpuidle/current_driver") == "intel_idle" and states.isascii() and states.isdigit()
    cstate = {"enabled": "true" if int(states) > 0 else "false"} if idle else {}
    found.attribute("cpu.cstate", cstate, f"{SYSTEM}/cpuidle")
    found.attribute("cpu.pstate", _pstate(tree), f"{SYSTEM}/intel_pstate")
    found.attribute("cpu.sst", {}, f"{CPUS}/*/cpufreq/base_frequency")
    if any(tree.exists(f"{CPUS}/{name}/cpufreq/base_frequency") for name in tree.names(CPUS) or ()):
        found.unknown("cpu.sst/bf.enabled", "the processor's nominal frequency is not in /sys")


def _pstate(tree: Tree) -> dict[str, str]:
    status = tree.text(f"{SYSTEM}/intel_pstate/status")
    if status in (None, "off"):
        return {}
    turbo = tree.text(f"{SYSTEM}/intel_pstate/no_turbo")
    elements = {"status": status or ""} | ({"turbo": "true" if turbo[:1] == "0" else "false"} if turbo else {})
    policies = f"{SYSTEM}/cpufreq"
    used = [name for name in tree.names(policies) or () if tree.text(f"{policies}/{name}/affected_cpus")]
    governors = {tree.text(f"{policies}/{name}/scaling_governor") or "" for name in used}
    same = len(governors) == 1 and status == "active"
    return elements | ({"scaling_governor": governors.pop()} if same else {})
