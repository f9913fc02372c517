"""Views that make the detectors of GPUs and other accelerators say all that they can say."""

from collections.abc import Iterator

from compatbuild.image.elf import DeviceCode
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence
from tests.builders.views import elf, image_view

SYCL = "__CLANG_OFFLOAD_BUNDLE__sycl-spir64"
VARIANTS = {
    "/site/bnb/lib_cuda118.so": elf("libcudart.so.11.0"),
    "/site/bnb/lib_cuda129.so": elf("libcudart.so.12"),
    "/site/bnb/lib_rocm64.so": elf("libhipblas.so.2", hip=("gfx90a", "gfx942:xnack+")),
    "/site/bnb/lib_xpu2026.so": elf("libsycl.so.9", sections=(SYCL,)),
}
ROCM = elf("libamdhip64.so.6", hip=("gfx906", "gfx90a"))
PTX = elf("libcudart.so.12", device_code=(DeviceCode("ptx", "80", "8.8", ".nv_fatbin"),))


def images() -> Iterator[ImageView]:
    """Yield views that between them bring out every finding about accelerators."""
    proven = {"/app": Confidence.PROVEN}
    torch = Package("pypi", "torch", "2.7.1+rocm6.3", "/site/torch-2.7.1+rocm6.3.dist-info/METADATA")
    conda = {"/opt/conda/conda-meta/cuda-version-12.9-0.json": b'{"constrains": ["__cuda >=12"]}'}
    yield image_view(elves=VARIANTS)
    yield image_view(elves={"/app": ROCM}, reached=proven, files={"/opt/rocm/.info/version": b"6.3.3-74"})
    yield image_view(elves={"/app": ROCM}, packages=[torch])
    yield image_view(elves={"/app": elf("libze_loader.so.1")}, reached=proven)
    yield image_view(elves={"/app": elf("libnrt.so.1", "libtpu.so", "libSynapse.so")}, reached=proven)
    yield image_view(elves={"/app": elf("libxrt_driver_xdna.so.2", "libze_intel_npu.so.1")}, reached=proven)
    yield image_view(elves={"/site/torch_npu/lib/libtorch_npu.so": elf("libascendcl.so")})
    yield image_view(elves={"/app": elf("libcudart.so.12", "libamdhip64.so.6")}, reached=proven)
    yield image_view(elves={"/app": PTX}, files=conda)
