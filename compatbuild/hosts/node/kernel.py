"""What NFD's kernel source publishes, and which modules could be loaded.

Source: node-feature-discovery v0.19.0 ``source/kernel``.
"""

import re
import zlib
from dataclasses import dataclass, field

from compatbuild.hosts.kernel import CONFIG, ENABLED, LOADED, loaded_name
from compatbuild.hosts.node.found import Found
from compatbuild.hosts.node.tree import MAX_FILE_BYTES, Tree
from compatbuild.hosts.osrelease import kernel_version

CONFIG_PLACES = (
    "/proc/config.gz",
    "/usr/src/linux-{}/.config",
    "/usr/src/linux-rt-{}/.config",
    "/usr/src/linux/.config",
    "/usr/lib/modules/{}/config",
    "/usr/lib/ostree-boot/config-{}",
    "/usr/lib/kernel/config-{}",
    "/usr/src/linux-headers-{}/.config",
    "/lib/modules/{}/build/.config",
    "/usr/src/linux-rt-headers-{}/.config",
    "/boot/config-{}",
)
"""Where NFD looks for the configuration of a kernel release, in this order."""

GZIP = 16 + zlib.MAX_WBITS  # tells zlib to expect a gzip header
_OFF = re.compile(r"^# CONFIG_(\w+) is not set$", re.MULTILINE)
_RELEASE = re.compile(r"[\w.+~-]{1,100}")  # it becomes part of paths


@dataclass(frozen=True, slots=True)
class NodeKernel:
    """What is known of a node's kernel beside its features.

    ``config`` are the options with ``n`` for those that are off, None when no configuration was found; ``loadable``
    the modules that are installed, with underscores.
    """

    release: str = ""
    config: dict[str, str] | None = None
    loadable: frozenset[str] = field(default_factory=frozenset)


def read_kernel(tree: Tree, found: Found) -> NodeKernel:
    """Read version, configuration, modules, SELinux and KVM."""
    release, source = _release(tree)
    if release:
        found.attribute("kernel.version", kernel_version(release), source)
    else:
        found.unknown("kernel.version", "neither /proc nor one directory in /lib/modules says which kernel runs")
    config = _config(tree, release, found)
    loadable = _modules(tree, release, found)
    _switches(tree, found)
    return NodeKernel(release, config, loadable)


def _release(tree: Tree) -> tuple[str, str]:
    """Give the release and its source; a host that does not run shows it by the one kernel that is installed."""
    place = "/proc/sys/kernel/osrelease"
    if (text := tree.text(place)) and _RELEASE.fullmatch(text):
        return text, place
    installed = [name for name in tree.names("/lib/modules") or () if _RELEASE.fullmatch(name)]
    return (installed[0], "the one directory in /lib/modules") if len(installed) == 1 else ("", "")


def _config(tree: Tree, release: str, found: Found) -> dict[str, str] | None:
    for place in (one.format(release) for one in CONFIG_PLACES):
        data = tree.read(place)
        if data is not None and (text := _inflated(data) if place.endswith(".gz") else data) is not None:
            options = parse_config(text.decode("utf-8", "replace"))
            found.attribute(CONFIG, options, place)
            return {**dict.fromkeys(_OFF.findall(text.decode("utf-8", "replace")), "n"), **options}
    found.unknown(CONFIG, "no kernel configuration was found; load the module configs, or mount the host's /boot")
    return None


def parse_config(text: str) -> dict[str, str]:
    """Give the options of a kernel configuration that are set, without quotes and without the prefix ``CONFIG_``."""
    lines = (line.removeprefix("CONFIG_").split("=", 1) for line in text.split("\n") if line.startswith("CONFIG_"))
    return {line[0]: line[1].strip('"') for line in lines if len(line) == 2}


def _inflated(data: bytes) -> bytes | None:
    """Unpack /proc/config.gz; None when it is damaged or too large."""
    unpack = zlib.decompressobj(GZIP)
    try:
        text = unpack.decompress(data, MAX_FILE_BYTES)
    except zlib.error:
        return None
    return text if unpack.eof else None


def _modules(tree: Tree, release: str, found: Found) -> frozenset[str]:
    """Read which modules are loaded, built in, and installed; the last is what NFD does not publish."""
    listed = tree.text("/proc/modules")
    loaded = frozenset(line.split()[0] for line in (listed or "").splitlines() if line.strip())
    if listed is None:
        found.unknown(
            LOADED, "/proc/modules cannot be read: the kernel has no modules, or the host's /proc is not mounted"
        )
    else:
        found.flag(LOADED, loaded, "/proc/modules")
    place = f"/lib/modules/{release}/modules.builtin"
    built_in = tree.text(place) if release else None
    if built_in is None:
        found.unknown(ENABLED, f"{place} cannot be read; mount the host's /lib/modules")
    else:
        names = (line.strip().rpartition("/")[2] for line in built_in.splitlines())
        found.flag(
            ENABLED, loaded | {name[:-3] for name in names if name.endswith(".ko")}, f"/proc/modules and {place}"
        )
    return _installed(tree.text(f"/lib/modules/{release}/modules.dep") if release else None) - loaded


def _installed(text: str | None) -> frozenset[str]:
    """Give the modules of modules.dep: ``kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz``."""
    files = (line.partition(":")[0].rpartition("/")[2] for line in (text or "").splitlines())
    return frozenset(loaded_name(file.partition(".ko")[0]) for file in files if ".ko" in file)


def _switches(tree: Tree, found: Found) -> None:
    if not tree.exists("/sys/fs"):
        reason = "/sys of the host is not mounted"
        found.unknown("kernel.selinux", reason)
        found.unknown("kernel.kvm", reason)
        return
    enforcing = (tree.text("/sys/fs/selinux/enforce") or "0").startswith("1")
    found.attribute("kernel.selinux", {"enabled": _bool(enforcing)}, "/sys/fs/selinux/enforce")
    kvm = "/sys/devices/virtual/misc/kvm"
    found.attribute("kernel.kvm", {"enabled": _bool(tree.exists(kvm))}, kvm)


def _bool(value: object) -> str:
    return "true" if value else "false"
