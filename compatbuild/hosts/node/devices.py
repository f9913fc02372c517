"""Devices as NFD publishes them: PCI, USB, block, network, NVDIMM.

Source: node-feature-discovery v0.19.0 ``source/{pci,usb,storage,network,memory}``.
"""

from collections.abc import Callable, Iterable, Iterator

from compatbuild.hosts.node.found import Found
from compatbuild.hosts.node.tree import Tree

PCI, USB, BLOCK, NET = "/sys/bus/pci/devices", "/sys/bus/usb/devices", "/sys/block", "/sys/class/net"
NVDIMM = "/sys/bus/nd/devices"
PCI_ALWAYS = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
PCI_SOMETIMES = ("sriov_totalvfs", "iommu_group/type", "iommu/intel-iommu/version")
USB_FILES = {"class": "bDeviceClass", "vendor": "idVendor", "device": "idProduct", "serial": "serial"}
PER_INTERFACE = "00"  # the class of a USB device whose interfaces have one each
QUEUE = ("dax", "rotational", "nr_zones", "zoned")
VIRTUAL = ("operstate", "speed", "mtu")
PHYSICAL = ("operstate", "speed", "device/sriov_numvfs", "device/sriov_totalvfs", "mtu")

Device = dict[str, str]


def read_devices(tree: Tree, found: Found) -> None:
    """Read all kinds of devices."""
    _each(tree, found, "pci.device", PCI, _pci)
    _each(tree, found, "storage.block", BLOCK, _block)
    _network(tree, found)
    if not tree.exists("/sys/bus"):  # without these directories NFD says that there are no such devices
        found.unknown("usb.device", f"{USB} cannot be read; mount the host's /sys")
        found.unknown("memory.nv", f"{NVDIMM} cannot be read; mount the host's /sys")
        return
    found.devices("usb.device", [d for name in tree.names(USB) or () for d in _usb(tree, f"{USB}/{name}")], USB)
    found.devices("memory.nv", [_nvdimm(tree, name) for name in tree.names(NVDIMM) or ()], NVDIMM)


def _each(
    tree: Tree, found: Found, feature: str, directory: str, read: Callable[[Tree, str], Iterable[Device]]
) -> None:
    names = tree.names(directory)
    if names is None:
        found.unknown(feature, f"{directory} cannot be read; mount the host's /sys")
    else:
        found.devices(feature, [device for name in names for device in read(tree, name)], directory)


def _pci(tree: Tree, name: str) -> Iterator[Device]:
    """Yield the device, unless one of its five numbers cannot be read."""
    read = {file: tree.text(f"{PCI}/{name}/{file}") for file in (*PCI_ALWAYS, *PCI_SOMETIMES)}
    device = {file: value.removeprefix("0x").strip() for file, value in read.items() if value is not None}
    if device.keys() >= {*PCI_ALWAYS}:
        yield device | {"class": device["class"][:4]}  # the rest is the programming interface


def _block(tree: Tree, name: str) -> Iterator[Device]:
    yield {"name": name} | _files(tree, f"{BLOCK}/{name}/queue", QUEUE)


def _network(tree: Tree, found: Found) -> None:
    names = tree.names(NET)
    if names is None:
        for feature in ("network.device", "network.virtual"):
            found.unknown(feature, f"{NET} cannot be read; mount the host's /sys")
        return
    cards = [name for name in names if name != "bonding_masters"]
    physical = [name for name in cards if tree.exists(f"{NET}/{name}/device")]
    virtual = [name for name in cards if name not in physical]
    found.devices("network.device", [{"name": n} | _files(tree, f"{NET}/{n}", PHYSICAL) for n in physical], NET)
    found.devices("network.virtual", [{"name": n} | _files(tree, f"{NET}/{n}", VIRTUAL) for n in virtual], NET)


def _usb(tree: Tree, path: str) -> Iterator[Device]:
    """Yield a device, or one for each of its interfaces where these have the classes; hubs' ports have no product."""
    if tree.read(f"{path}/idProduct") is None:
        return
    read = {name: tree.text(f"{path}/{file}") for name, file in USB_FILES.items()}
    device = {name: value for name, value in read.items() if value}
    if device.get("class") != PER_INTERFACE:
        yield device
        return
    for name in tree.names(path) or ():
        kind = tree.text(f"{path}/{name}/bInterfaceClass")
        if kind is not None:
            yield device | {"class": kind}


def _nvdimm(tree: Tree, name: str) -> Device:
    return {"name": name} | _files(tree, f"{NVDIMM}/{name}", ("devtype", "mode"))


def _files(tree: Tree, directory: str, files: Iterable[str]) -> Device:
    """Read those of some files that can be read, each by the last part of its name."""
    read = {file.rpartition("/")[2]: tree.text(f"{directory}/{file}") for file in files}
    return {name: value for name, value in read.items() if value is not None}
