"""Root directories of hosts, built from the few files a test is about."""

import gzip
from collections.abc import Mapping
from pathlib import Path

RELEASE = "5.14.0-427.13.1.el9_4.x86_64"
CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
siblings\t: 4
cpu cores\t: 2
flags\t\t: fpu cx8 sep cmov mmx fxsr sse sse2 ht syscall nx pni ssse3 cx16 sse4_1 sse4_2 movbe popcnt xsave avx f16c \
lahf_lm abm fma bmi1 avx2 bmi2 avx512f avx512dq avx512bw avx512cd avx512vl

processor\t: 1
"""
FILES = {
    "/proc/sys/kernel/osrelease": f"{RELEASE}\n",
    "/proc/cpuinfo": CPUINFO,
    "/proc/modules": "nvidia 9000 3 nvidia_uvm, Live 0x0 (POE)\nxfs 1 0 - Live 0x0\n",
    "/proc/swaps": "Filename Type Size Used Priority\n/dev/dm-1 partition 1 0 -2\n",
    "/etc/os-release": 'ID="rhel"\nVERSION_ID="9.4"\nNAME=\'Red Hat\'\nEMPTY=\n# a comment\n',
    f"/boot/config-{RELEASE}": 'CONFIG_IO_URING=y\nCONFIG_IP_SCTP=m\n# CONFIG_INFINIBAND_EFA is not set\nCONFIG_LSM="a,b"\n',
    f"/lib/modules/{RELEASE}/modules.builtin": "kernel/drivers/vfio/pci/vfio-pci.ko\nkernel/fs/ext4/ext4.ko\n",
    f"/lib/modules/{RELEASE}/modules.dep": "kernel/net/sctp/sctp.ko.xz: kernel/a/b.ko.xz\nkernel/fs/xfs/xfs.ko.xz:\n",
    "/sys/fs/selinux/enforce": "1",
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "8\n",
    "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "0\n",
    "/sys/bus/cpu/devices/cpu0/topology/thread_siblings_list": "0,2\n",
    "/sys/bus/cpu/devices/cpu0/topology/physical_package_id": "0\n",
    "/sys/bus/node/devices/node0/x": "",
    "/sys/bus/node/devices/node1/x": "",
}


def node(root: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write a host's root directory: ``FILES`` changed by ``files``, in which None takes a file away."""
    for name, content in {**FILES, **(files or {})}.items():
        if content is not None:
            file = root / name.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def device(directory: str, **files: str) -> dict[str, str]:
    """Give the files of one device in /sys."""
    return {f"{directory}/{name}": f"{value}\n" for name, value in files.items()}


def packed(text: str) -> bytes:
    """Give what /proc/config.gz holds."""
    return gzip.compress(text.encode(), mtime=0)
