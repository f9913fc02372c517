"""A node read from its files: features as NFD publishes them, settings, drivers, and what cannot be read."""

import os
from pathlib import Path

import pytest

from compatbuild.hosts.errors import HostError
from compatbuild.hosts.node import tree as trees
from compatbuild.hosts.node.cpuinfo import invisible, nfd_flags, parse_cpuinfo
from compatbuild.hosts.node.host import node_host
from compatbuild.hosts.node.settings import public_arguments
from compatbuild.hosts.node.system import parse_local, quantity
from tests.builders.nodes import CPUINFO, FILES, RELEASE, device, node, packed


def attributes(root: Path, feature: str) -> dict[str, str]:
    return dict(node_host(root).features.attributes[feature] or {})


def test_the_kernel(tmp_path: Path) -> None:
    host = node_host(node(tmp_path))
    assert host.features.attributes["kernel.version"] == {"full": RELEASE, "major": "5", "minor": "14", "revision": "0"}
    assert host.features.attributes["kernel.config"] == {"IO_URING": "y", "IP_SCTP": "m", "LSM": "a,b"}
    assert host.features.flags["kernel.loadedmodule"] == frozenset({"nvidia", "xfs"})
    assert host.features.flags["kernel.enabledmodule"] == frozenset({"nvidia", "xfs", "vfio-pci", "ext4"})
    assert host.features.attributes["kernel.selinux"] == {"enabled": "true"}
    assert host.features.attributes["kernel.kvm"] == {"enabled": "false"}
    assert host.modules == {"sctp": ""}
    assert host.known("kernel.config", "WHATEVER")
    assert host.source("kernel.config") == f"/boot/config-{RELEASE}"
    assert (host.name, host.kind, host.fidelity, host.architecture) == (tmp_path.name, "node", "live", "x86_64")


@pytest.mark.parametrize(
    "place",
    [
        f"/usr/src/linux-{RELEASE}/.config",
        f"/usr/src/linux-rt-{RELEASE}/.config",
        "/usr/src/linux/.config",
        f"/usr/lib/modules/{RELEASE}/config",
        f"/usr/lib/ostree-boot/config-{RELEASE}",
        f"/usr/lib/kernel/config-{RELEASE}",
        f"/usr/src/linux-headers-{RELEASE}/.config",
        f"/lib/modules/{RELEASE}/build/.config",
        f"/usr/src/linux-rt-headers-{RELEASE}/.config",
    ],
)
def test_every_place_of_a_configuration_comes_before_boot_and_after_proc(tmp_path: Path, place: str) -> None:
    root = node(tmp_path, {place: "CONFIG_HERE=y\n"})
    assert attributes(root, "kernel.config") == {"HERE": "y"}
    node(tmp_path, {"/proc/config.gz": packed("CONFIG_PROC=y\n")})
    assert attributes(root, "kernel.config") == {"PROC": "y"}


@pytest.mark.parametrize("damaged", [b"", b"\x1f\x8b broken", packed("CONFIG_A=y\n")[:-9]])
def test_a_damaged_config_gz_is_passed_over(tmp_path: Path, damaged: bytes) -> None:
    assert "IO_URING" in attributes(node(tmp_path, {"/proc/config.gz": damaged}), "kernel.config")


def test_a_bomb_in_config_gz_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.hosts.node.kernel.MAX_FILE_BYTES", 1000)
    assert "IO_URING" in attributes(
        node(tmp_path, {"/proc/config.gz": packed("CONFIG_A=y\n" * 10_000)}), "kernel.config"
    )


def test_a_node_without_a_configuration_does_not_know_it(tmp_path: Path) -> None:
    host = node_host(node(tmp_path, {f"/boot/config-{RELEASE}": None}))
    assert not host.known("kernel.config", "IO_URING")
    assert "/boot" in host.remark("kernel.config", "IO_URING")


def test_a_host_that_does_not_run(tmp_path: Path) -> None:
    files = dict.fromkeys((name for name in FILES if name.startswith(("/proc", "/sys"))), None)
    host = node_host(node(tmp_path, files))
    assert host.features.attributes["kernel.version"]["full"] == RELEASE  # type: ignore[index]  # it is there
    assert host.known("kernel.config", "IO_URING")
    for place in (
        "cpu.cpuid/SSE2",
        "kernel.loadedmodule/xfs",
        "pci.device/vendor",
        "usb.device/x",
        "memory.swap/enabled",
    ):
        assert not host.known(*place.split("/")), place
        assert host.remark(*place.split("/")), place


def test_what_is_no_host(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="not the root of a host"):
        node_host(tmp_path)


def test_flags_and_levels_of_x86(tmp_path: Path) -> None:
    host = node_host(node(tmp_path))
    flags = host.features.flags["cpu.cpuid"] or frozenset()
    assert {
        "X86_64_V1",
        "X86_64_V2",
        "X86_64_V3",
        "X86_64_V4",
        "SSE4",
        "SSE42",
        "FMA3",
        "OSXSAVE",
        "HTT",
        "LZCNT",
    } <= flags
    assert host.known("cpu.cpuid", "AMXTILE")
    assert not host.known("cpu.cpuid", "AVX10")
    model = {"vendor_id": "Intel", "family": "6", "id": "143", "hypervisor": "none"}
    assert host.features.attributes["cpu.model"] == model
    assert host.features.attributes["cpu.topology"] == {"hardware_multithreading": "true", "socket_count": "1"}


def test_a_lower_level_and_amd() -> None:
    older = parse_cpuinfo(CPUINFO.replace(" avx2", "").replace("GenuineIntel", "AuthenticAMD").replace(": 6", ": 23"))
    assert older is not None
    flags = nfd_flags(older)
    assert ("X86_64_V2" in flags, "X86_64_V3" in flags, "TSA_L1_NO" in flags) == (True, False, True)
    assert "FP128" in invisible(older, flags)


def test_flags_of_arm() -> None:
    processor = parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd atomics sve newthing\nCPU part\t: 0xd4f\n")
    assert processor is not None
    assert nfd_flags(processor) == {"FP", "ASIMD", "ATOMICS", "SVE"}
    assert parse_cpuinfo("cpu\t\t: POWER9\n") is None


def test_memory_and_system(tmp_path: Path) -> None:
    root = node(tmp_path, {"/sys/devices/virtual/dmi/id/sys_vendor": "ACME\n"})
    assert attributes(root, "memory.hugepages") == {"enabled": "true", "hugepages-1Gi": "0", "hugepages-2Mi": "8"}
    assert attributes(root, "memory.swap") == {"enabled": "true"}
    assert attributes(root, "memory.numa") == {"is_numa": "true", "node_count": "2"}
    assert attributes(root, "system.dmiid") == {"sys_vendor": "ACME"}
    expected = {"ID": "rhel", "VERSION_ID": "9.4", "NAME": "Red Hat", "VERSION_ID.major": "9", "VERSION_ID.minor": "4"}
    assert attributes(root, "system.osrelease") == expected
    assert [quantity(size) for size in (64, 2048, 1048576, 1536)] == ["64Ki", "2Mi", "1Gi", "1536Ki"]


def test_devices(tmp_path: Path) -> None:
    ids = {"vendor": "0x10de", "device": "0x2330", "subsystem_vendor": "0x10de", "subsystem_device": "0x16c1"}
    files = device("/sys/bus/pci/devices/0000:01:00.0", **{"class": "0x030200"}, **ids)
    files |= {
        "/sys/bus/pci/devices/0000:01:00.0/iommu_group/type": "DMA\n",
        "/sys/bus/pci/devices/0000:02:00.0/vendor": "1",
    }
    files |= device("/sys/bus/usb/devices/1-1", idProduct="082d", idVendor="046d", bDeviceClass="00")
    files |= {
        "/sys/bus/usb/devices/1-1/1-1:1.0/bInterfaceClass": "0e",
        "/sys/bus/usb/devices/1-0:1.0/bInterfaceClass": "09",
    }
    files |= device("/sys/block/nvme0n1/queue", rotational="0", zoned="none")
    files |= device("/sys/class/net/eth0", operstate="up", mtu="9000") | device("/sys/class/net/lo", mtu="65536")
    files |= {"/sys/class/net/eth0/device/sriov_totalvfs": "8\n", "/sys/class/net/bonding_masters": ""}
    instances = node_host(node(tmp_path, files)).features.instances
    gpu = {"class": "0302", "vendor": "10de", "device": "2330", "subsystem_vendor": "10de", "subsystem_device": "16c1"}
    assert instances["pci.device"] == ({**gpu, "iommu_group/type": "DMA"},)
    assert instances["usb.device"] == ({"class": "0e", "vendor": "046d", "device": "082d"},)
    assert instances["storage.block"] == ({"name": "nvme0n1", "rotational": "0", "zoned": "none"},)
    assert instances["network.device"] == ({"name": "eth0", "operstate": "up", "mtu": "9000", "sriov_totalvfs": "8"},)
    assert instances["network.virtual"] == ({"name": "lo", "mtu": "65536"},)
    assert instances["memory.nv"] == ()


def test_local_features() -> None:
    text = "# +no-label\na=1\nb=x=y\n\nc\n# +no-feature\nd=2\n# +expiry-time=2020-01-01T00:00:00Z\ne=3\n"
    assert parse_local(text) == ({"b": "x=y", "c": "true", "d": "2"}, {"a": "1", "b": "x=y", "c": "true"})


def test_local_features_of_a_node(tmp_path: Path) -> None:
    place = "/etc/kubernetes/node-feature-discovery/features.d"
    root = node(tmp_path, {f"{place}/a": "k=1", f"{place}/.hidden": "h=1", f"{place}/big": "x=1\n" * 20_000})
    assert attributes(root, "local.label") == {"k": "1"}


NVRM = "NVRM version: NVIDIA UNIX {}  580.65.06  Sun Jul 27 07:14:02 UTC 2025\nGCC version: gcc 12.2.0\n"


@pytest.mark.parametrize("kind", ["x86_64 Kernel Module", "Open Kernel Module for x86_64"])
def test_drivers_and_gpus(tmp_path: Path, kind: str) -> None:
    files = {"/proc/driver/nvidia/version": NVRM.format(kind), "/sys/module/amdgpu/version": "6.12.12\n"}
    files["/proc/driver/nvidia/gpus/0000:01:00.0/information"] = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n"
    host = node_host(node(tmp_path, files))
    assert host.drivers == {"nvidia": "580.65.06", "amd": "6.12.12"}
    assert host.gpus == ("NVIDIA H100 80GB HBM3",)


def test_the_driver_by_its_module(tmp_path: Path) -> None:
    assert node_host(node(tmp_path, {"/sys/module/nvidia/version": "550.54.15\n"})).drivers == {"nvidia": "550.54.15"}


def test_settings_that_forbid(tmp_path: Path) -> None:
    files = {
        "/proc/sys/kernel/io_uring_disabled": "2\n",
        "/etc/modprobe.d/sctp.conf": "# no\ninstall sctp /bin/false\nblacklist usb-storage\n",
        "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
    }
    host = node_host(node(tmp_path, files))
    assert getattr(host.policy("kernel.config", "IO_URING"), "setting", "") == "kernel.io_uring_disabled=2"
    assert "/bin/false" in getattr(host.policy("kernel.config", "IP_SCTP"), "reason", "")
    assert host.policy("kernel.loadedmodule", "usb_storage") is not None
    assert getattr(host.policy("kernel.loadedmodule", "zfs"), "setting", "") == "lockdown=integrity"
    assert host.policy("kernel.loadedmodule", "nvidia_uvm") is None  # nvidia is loaded


def test_boot_arguments_tell_nothing_private() -> None:
    line = "BOOT_IMAGE=/vmlinuz root=UUID=1 module.sig_enforce=1 token=secret systemd.unified_cgroup_hierarchy=1 quiet"
    assert public_arguments(line) == "module.sig_enforce=1 systemd.unified_cgroup_hierarchy=1"


def test_links_stay_in_the_root(tmp_path: Path) -> None:
    root = node(tmp_path / "host", {"/etc/os-release": None, "/usr/lib/os-release": "ID=inside\n"})
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text("ID=outside\n")
    for target in ("/usr/lib/os-release", "../usr/lib/os-release", "../../../../usr/lib/os-release"):
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc/os-release").symlink_to(target)
        assert attributes(root, "system.osrelease") == {"ID": "inside"}
        (root / "etc/os-release").unlink()


def test_links_that_go_round_pipes_and_huge_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = node(tmp_path, {"/proc/swaps": None, "/proc/modules": None})
    (root / "proc/swaps").symlink_to("swaps")
    os.mkfifo(root / "proc/modules")
    monkeypatch.setattr(trees, "MAX_FILE_BYTES", 10)
    host = node_host(root)
    assert not {"memory.swap", "system.osrelease", "cpu.cpuid"} & set(host.features.names())
    assert not host.known("kernel.loadedmodule", "xfs")


def test_a_release_that_would_lead_elsewhere_is_none(tmp_path: Path) -> None:
    host = node_host(node(tmp_path, {"/proc/sys/kernel/osrelease": "../../etc", "/lib/modules/other/x": ""}))
    assert not host.known("kernel.version", "full")
