"""What makes the detectors of kernel facilities speak, as parts of ``images_of_everything``."""

from collections.abc import Iterator

from compatbuild.detectors.kernel_landlock import LIBRARY
from compatbuild.detectors.kernel_pages import HUGIFY
from compatbuild.image import kmod
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from tests.builders.views import ARM64, deb, elf, image_view

ELVES: dict[str, ElfFacts] = {
    "/usr/sbin/xtables-nft-multi": elf("libnftnl.so.11"),
    "/usr/sbin/ipvsadm": elf("libnl-3.so.200"),
    "/sbin/mount.lustre": elf(),
    "/usr/bin/rbd": elf("librbd.so.1"),
    "/usr/bin/enclaved": elf("libsgx_urts.so.2", "libtdx_attest.so.1"),
    "/usr/bin/sandboxed": elf(markers={LIBRARY: ()}),
    "/usr/bin/hpc": elf("libhugetlbfs.so.0"),
    "/drivers/acme.ko": elf(type=1, markers={kmod.VERMAGIC.id: ("5.14.0-570.el9.x86_64",)}),
    "/lib/modules/6.1.0-56-amd64/kernel/fs/fuse/fuse.ko": elf(
        type=1, markers={kmod.VERMAGIC.id: ("6.1.0-56-amd64",), kmod.IN_TREE.id: ()}
    ),
    "/usr/bin/bolted": elf(markers={HUGIFY: ()}),
    "/jvm/lib/server/libjvm.so": elf(),
    "/usr/bin/lsusb": elf("libusb-1.0.so.0"),
}
ENV = {"JAVA_TOOL_OPTIONS": "-XX:+UseTransparentHugePages"}
FILES: dict[str, bytes] = {
    "/etc/keepalived/keepalived.conf": b"virtual_server 10.0.0.1 80 {\n}\n",
    "/etc/modules-load.d/acme.conf": b"overlay\nacme\n",
    "/etc/sysctl.d/90-acme.conf": b"vm.max_map_count=262144\n",
    "/usr/src/acme-1/dkms.conf": b"BUILD_EXCLUSIVE_CONFIG=CONFIG_DRM\nBUILD_EXCLUSIVE_KERNEL_MIN=3.9\n",
}


def images() -> Iterator[ImageView]:
    """Yield further views, for what excludes each other."""
    both = {"/usr/sbin/xtables-nft-multi": elf(), "/usr/sbin/xtables-legacy-multi": elf()}
    yield image_view(elves=both)
    yield image_view(elves=ELVES, files=FILES, env=ENV)
    yield image_view(elves={"/usr/sbin/xtables-legacy-multi": elf()}, packages=[deb("keepalived")])
    yield image_view(elves=both | {"/app": elf()}, reached={"/app": Confidence.PROVEN})
    foreign = {"/bin/sh": elf(), "/opt/tool": elf(machine=ARM64)}
    yield image_view(elves=foreign, reached=dict.fromkeys(foreign, Confidence.PROVEN))
