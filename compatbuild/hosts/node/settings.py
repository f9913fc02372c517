"""What NFD does not publish of a node: sysctls, boot arguments, blocked modules, module signing, GPU drivers."""

import re

from compatbuild.hosts.kernel import loaded_name
from compatbuild.hosts.node.tree import Tree
from compatbuild.hosts.policies import NodeSettings

SYSCTLS = (
    "kernel.io_uring_disabled",
    "kernel.unprivileged_userns_clone",
    "user.max_user_namespaces",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.unprivileged_bpf_disabled",
    "net.core.bpf_jit_harden",
    "kernel.perf_event_paranoid",
    "kernel.kptr_restrict",
    "kernel.yama.ptrace_scope",
    "vm.unprivileged_userfaultfd",
    "vm.overcommit_memory",
    "vm.max_map_count",
    "vm.memfd_noexec",
    "vm.nr_hugepages",
    "kernel.modules_disabled",
    "kernel.loadpin.enforce",
    "dev.tty.legacy_tiocsti",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
)
"""The sysctls that decide what a container can do."""

ARGUMENTS = frozenset(
    """amd_iommu apparmor cgroup_disable cgroup_no_v1 default_hugepagesz hugepages hugepagesz init_on_alloc init_on_free
    intel_iommu iommu iommu.passthrough ipv6.disable isolcpus lockdown lsm mitigations module.sig_enforce nohz_full
    nomodules pti rcu_nocbs security selinux slab_nomerge systemd.legacy_systemd_cgroup_controller
    systemd.unified_cgroup_hierarchy transparent_hugepage user_namespace.enable vsyscall""".split()
)
"""The boot arguments that decide what a container can do; all others may tell of disks, machines and secrets."""

MODPROBE = ("/lib/modprobe.d", "/usr/lib/modprobe.d", "/run/modprobe.d", "/etc/modprobe.d")
NOTHING = ("/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "/sbin/nologin", "true", "false", ":")
_LOCKDOWN = re.compile(r"\[(\w+)\]")
_NVIDIA = re.compile(r"NVRM version:.*?\s(\d+(?:\.\d+){1,3})\s")


def read_settings(tree: Tree, distribution: str) -> NodeSettings:
    """Read the settings that may forbid what the kernel can do."""
    values = {name: tree.text(f"/proc/sys/{name.replace('.', '/')}") for name in SYSCTLS}
    lockdown = _LOCKDOWN.search(tree.text("/sys/kernel/security/lockdown") or "")
    return NodeSettings(
        sysctl={name: value for name, value in values.items() if value is not None},
        cmdline=public_arguments(tree.text("/proc/cmdline") or ""),
        blocked=_blocked(tree),
        lockdown=lockdown[1] if lockdown else "",
        signatures=tree.text("/sys/module/module/parameters/sig_enforce") in ("Y", "1"),
        distribution=distribution,
        source="/proc/sys",
        policy_source="/etc/modprobe.d, /proc/cmdline, /sys/kernel/security and /sys/module of the node",
    )


def public_arguments(cmdline: str) -> str:
    """Give those boot arguments that matter to containers."""
    return " ".join(word for word in cmdline.split() if word.partition("=")[0] in ARGUMENTS)


def gpu_drivers(tree: Tree) -> dict[str, str]:
    """Give the versions of the GPU drivers that are loaded; drivers of the kernel itself have none of their own."""
    nvidia = _NVIDIA.search(f"{tree.text('/proc/driver/nvidia/version') or ''} ")
    found = {
        "nvidia": nvidia[1] if nvidia else tree.text("/sys/module/nvidia/version"),
        "amd": tree.text("/sys/module/amdgpu/version"),
        "intel": tree.text("/sys/module/xe/version") or tree.text("/sys/module/i915/version"),
    }
    return {vendor: version for vendor, version in found.items() if version}


def gpu_models(tree: Tree) -> tuple[str, ...]:
    """Give the models of the NVIDIA GPUs, one for each."""
    gpus = "/proc/driver/nvidia/gpus"
    texts = (tree.text(f"{gpus}/{name}/information") or "" for name in tree.names(gpus) or ())
    models = (re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in texts)
    return tuple(model[1].strip() for model in models if model)


def _blocked(tree: Tree) -> dict[str, str]:
    """Read which modules modprobe replaces by nothing, or does not load by itself."""
    found: dict[str, str] = {}
    for directory in MODPROBE:
        for name in tree.names(directory) or ():
            text = tree.text(f"{directory}/{name}") if name.endswith(".conf") else None
            for line in (text or "").splitlines():
                found |= _rule(line.split(), f"{directory}/{name}")
    return found


def _rule(words: list[str], place: str) -> dict[str, str]:
    match words:
        case ["install", module, command, *_] if command in NOTHING:
            return {loaded_name(module): f"{place} replaces it by {command}"}
        case ["blacklist", module, *_]:
            return {
                loaded_name(module): f"{place} keeps it from being loaded by itself; modprobe still loads it by name"
            }
        case _:
            return {}
