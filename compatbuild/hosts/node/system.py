"""System, memory and local features as NFD publishes them.

Source: node-feature-discovery v0.19.0 ``source/{system,memory,local}``.
"""

import os
from datetime import UTC, datetime

from compatbuild.hosts.node.found import Found
from compatbuild.hosts.node.tree import Tree
from compatbuild.hosts.osrelease import os_release, parse_os_release

DMI = "/sys/devices/virtual/dmi/id"
DMI_FILES = (
    *("bios_date", "bios_vendor", "bios_version", "board_asset_tag", "board_name", "board_vendor", "board_version"),
    *("chassis_asset_tag", "chassis_type", "chassis_vendor", "chassis_version", "product_family", "product_name"),
    *("product_sku", "product_version", "sys_vendor"),
)
HUGEPAGES = "/sys/kernel/mm/hugepages"
LOCAL = "/etc/kubernetes/node-feature-discovery/features.d"
MAX_LOCAL_BYTES = 65536  # NFD passes over larger files of local features


def read_system(tree: Tree, found: Found) -> dict[str, str]:
    """Read os-release, DMI and the node's name; gives the fields of os-release."""
    text = tree.text("/etc/os-release")
    fields = parse_os_release(text or "")
    if text is None:
        found.unknown("system.osrelease", "/etc/os-release cannot be read")
    else:
        found.attribute("system.osrelease", os_release(fields), "/etc/os-release")
    read = {name: tree.text(f"{DMI}/{name}") for name in DMI_FILES}
    dmi = {name: value for name, value in read.items() if value is not None}
    if dmi:
        found.attribute("system.dmiid", dmi, DMI)
    else:
        found.unknown("system.dmiid", f"{DMI} cannot be read, or the machine has none")
    found.attribute("system.name", {"nodename": os.environ.get("NODE_NAME", "")}, "the variable NODE_NAME")
    return fields


def read_memory(tree: Tree, found: Found) -> None:
    """Read NUMA nodes, swap and huge pages."""
    nodes = tree.names("/sys/bus/node/devices")
    if nodes is None:
        found.unknown(
            "memory.numa", "/sys/bus/node/devices cannot be read: the kernel has no NUMA, or /sys is not mounted"
        )
    else:
        numa = {"is_numa": _bool(len(nodes) > 1), "node_count": str(len(nodes))}
        found.attribute("memory.numa", numa, "/sys/bus/node/devices")
    swaps = tree.text("/proc/swaps")
    if swaps is None:
        found.unknown("memory.swap", "/proc/swaps cannot be read")
    else:
        lines = [line for line in swaps.splitlines() if line.strip()]
        found.attribute("memory.swap", {"enabled": _bool(len(lines) > 1)}, "/proc/swaps")  # the first is a heading
    if tree.exists("/sys/kernel"):
        found.attribute("memory.hugepages", _hugepages(tree), HUGEPAGES)
    else:
        found.unknown("memory.hugepages", "/sys of the host is not mounted")


def read_local(tree: Tree, found: Found) -> None:
    """Read the files of local features, from which NFD makes ``local.label`` and ``local.feature``."""
    labels: dict[str, str] = {}
    features: dict[str, str] = {}
    for name in tree.names(LOCAL) or ():
        data = tree.read(f"{LOCAL}/{name}")
        if not name.startswith(".") and data is not None and len(data) <= MAX_LOCAL_BYTES:
            more_labels, more_features = parse_local(data.decode("utf-8", "replace"))
            labels |= more_labels
            features |= more_features
    found.attribute("local.label", labels, LOCAL)
    found.attribute("local.feature", features, LOCAL)


def parse_local(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give labels and features of a file of local features: ``key=value`` lines, and directives after ``# +``.

    ``no-label`` and ``no-feature`` hold for one line, ``expiry-time`` for all that follow.
    """
    labels: dict[str, str] = {}
    features: dict[str, str] = {}
    skipped: set[str] = set()
    expired = False
    for line in filter(None, map(str.strip, text.split("\n"))):
        if line.startswith("#"):
            directive, _, value = line.removeprefix("# +").partition("=") if line.startswith("# +") else ("", "", "")
            skipped |= {directive} & {"no-label", "no-feature"}
            expired = _past(value, expired) if directive == "expiry-time" else expired
        elif not expired:
            key, equals, value = line.partition("=")
            for into, name in ((labels, "no-label"), (features, "no-feature")):
                into.pop(key, None)
                into.update({} if name in skipped else {key: value if equals else "true"})
            skipped = set()
    return labels, features


def _past(text: str, otherwise: bool) -> bool:  # noqa: FBT001 - what holds when the time cannot be read
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return otherwise
    return moment.tzinfo is not None and moment < datetime.now(UTC)


def _hugepages(tree: Tree) -> dict[str, str]:
    """Give the number of pages of each size, by the size as Kubernetes writes it."""
    pages: dict[str, str] = {}
    for name in tree.names(HUGEPAGES) or ():
        size = name.removeprefix("hugepages-").rstrip("kB")
        if size.isascii() and size.isdigit():
            pages[f"hugepages-{quantity(int(size))}"] = tree.text(f"{HUGEPAGES}/{name}/nr_hugepages") or ""
    enabled = any(value.isascii() and value.isdigit() and int(value) > 0 for value in pages.values())
    return {"enabled": _bool(enabled), **pages}


def quantity(kibibytes: int) -> str:
    """Give a size as Kubernetes writes it: 2048 is ``2Mi``."""
    for unit in ("Ki", "Mi", "Gi", "Ti"):
        if kibibytes % 1024 or unit == "Ti":
            return f"{kibibytes}{unit}"
        kibibytes //= 1024
    return str(kibibytes)


def _bool(value: object) -> str:
    return "true" if value else "false"
