"""Views that make every detector speak: one image without a program of its own, and one whose program reaches it all."""

from collections.abc import Iterator

from compatbuild.detectors._cpu.distribution import LOADER
from compatbuild.detectors._cpu.programs import NUMPY
from compatbuild.detectors._cuda import STATIC_RUNTIME, TOOLS
from compatbuild.detectors._mpi import OPEN_MPI, OPEN_MPI_SYMBOL
from compatbuild.detectors.distribution import GLIBC_RELEASE
from compatbuild.image.elf import BpfObject, DeviceCode, ElfFacts
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence
from tests.builders import gpu_images, kernel_images, metadata_images
from tests.builders.views import ARM64, deb, elf, image_view

CODE = (
    DeviceCode("sass", "80", "", ".nv_fatbin"),
    DeviceCode("sass", "90a", "", ".nv_fatbin"),
    DeviceCode("ptx", "90", "8.8", ".nv_fatbin"),
)
ELVES: dict[str, ElfFacts] = {
    "/app": elf("libcudart.so.12", "libmpi.so.40", "libc.so.6", interpreter="/lib64/ld-linux-x86-64.so.2"),
    "/lib/ld-linux-x86-64.so.2": elf(markers={LOADER: ("",)}),
    "/lib/libc.so.6": elf(soname="libc.so.6", markers={GLIBC_RELEASE: ("2.36",)}),
    "/lib/ld-musl-x86_64.so.1": elf(soname="libc.musl-x86_64.so.1"),
    "/lib/i386.so": elf(machine=3, bits=32),
    "/cuda/libcudart.so.12": elf(soname="libcudart.so.12"),
    "/cuda/libwork.so": elf("libcuda.so.1", device_code=CODE),
    "/cuda/libnarrow.so": elf("libcudart.so.12", device_code=CODE[:1]),
    "/cuda/static": elf(markers={STATIC_RUNTIME.id: (), TOOLS.id: ("12.9",)}, device_code=CODE),
    "/cuda/unlinked.so": elf(device_code=(DeviceCode("ptx", "50", "8.8", "__nv_relfatbin"),)),
    "/usr/local/cuda/compat/libcuda.so.570.86.10": elf(soname="libcuda.so.1"),
    "/mpi/libmpi.so.40": elf("libpmix.so.2", markers={OPEN_MPI.id: ("5.0.11",), OPEN_MPI_SYMBOL.id: ()}),
    "/ucx/libuct_ib.so.0": elf("libibverbs.so.1"),
    "/ofi/libefa-fi.so": elf("libefa.so.1"),
    "/ofi/libnccl-net-ofi.so": elf(),
    "/usr/bin/ib_write_bw": elf("libibverbs.so.1"),
    "/usr/bin/dpdk-testpmd": elf("librte_eal.so.23"),
    "/usr/bin/qemu-system-x86_64": elf("libfuse3.so.3", bpf=(BpfObject(64, ("tun_rss_steering",), 0),)),
    "/usr/bin/bpftrace": elf("libbcc.so.0"),
    "/usr/bin/xdp-monitor": elf(bpf=(BpfObject(128, ("tp_btf/xdp_exception",), 268), BpfObject(512, ("xdp",), 0))),
    "/usr/bin/go-tool": elf(go={"GOAMD64": "v3"}),
    "/site/numpy/_core/_multiarray_umath.so": elf(markers={NUMPY.id: ("X86_V2",)}),
    "/opt/note": elf(isa_needed=0b11),
    **kernel_images.ELVES,
}
FILES = {
    "/etc/os-release": b"",
    "/site/_polars_runtime_32/build_feature_flags.py": b'BUILD_FEATURE_FLAGS = "+avx2,+pclmulqdq"\n',
    **kernel_images.FILES,
}
ENV = {
    "NVIDIA_REQUIRE_CUDA": "cuda>=12.8 brand=tesla,driver>=470,driver<471",
    "NVIDIA_REQUIRE_DRIVER": "driver>=450",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,graphics",
    "FI_PROVIDER": "efa",
}
NAMES = (
    "fuse3",
    "openvpn",
    "wireguard-tools",
    "nftables",
    "open-iscsi",
    "nfs-common",
    "lvm2",
    "docker.io",
    "dpdk",
    "libsctp1",
)
PACKAGES: tuple[Package, ...] = (*map(deb, NAMES), deb("libc6", "2.36-9"), deb("bpfcc-tools"))
OS_RELEASE = {"ID": "rhel", "VERSION_ID": "9.5"}


def everything(*, reached: Confidence | None = None) -> ImageView:
    """Return a view that holds all of the above, all of it reached or none."""
    return image_view(
        elves=ELVES,
        files=FILES,
        env=ENV,
        packages=PACKAGES,
        os_release=OS_RELEASE,
        reached=dict.fromkeys((*ELVES, *FILES), reached) if reached else {},
    )


def images() -> Iterator[ImageView]:
    """Yield views that between them bring out every finding."""
    yield everything()
    yield everything(reached=Confidence.PROVEN)
    yield image_view(elves=ELVES | {"/main": elf()}, packages=PACKAGES, reached={"/main": Confidence.PROVEN})
    yield image_view(env={"CUDA_VERSION": "12.4.1"}, elves={"/app": elf("libcuda.so.1", "libmpi.so.12")})
    yield image_view(elves={"/app": elf(machine=ARM64, load_align=4096)}, reached={"/app": Confidence.PROVEN})
    yield image_view(elves={"/app": elf(device_code=CODE[:2])})
    musl = {path: ELVES[path] for path in ("/lib/ld-musl-x86_64.so.1", "/cuda/libcudart.so.12")}
    yield image_view(elves=musl | {"/app": elf(interpreter="/lib/ld-musl-x86_64.so.1")})
    yield from gpu_images.images()
    yield from kernel_images.images()
    yield from metadata_images.images()
