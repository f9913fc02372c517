import pytest

from compatbuild.detectors.gpu_alternatives import DETECTOR
from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import (
    AlternativesRequirement,
    DriverRequirement,
    ModuleRequirement,
    PciRequirement,
)
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
GEN = "__CLANG_OFFLOAD_BUNDLE__sycl-spir64_gen"
CODE = (DeviceCode("sass", "90", "", ".nv_fatbin"),)
BITSANDBYTES = {
    "/site/bitsandbytes/libbitsandbytes_cpu.so": elf("libgomp.so.1"),
    "/site/bitsandbytes/libbitsandbytes_cuda118.so": elf("libcudart.so.11.0", "libcublas.so.11", device_code=CODE),
    "/site/bitsandbytes/libbitsandbytes_cuda129.so": elf("libcudart.so.12", "libcublas.so.12", device_code=CODE),
    "/site/bitsandbytes/libbitsandbytes_cuda132.so": elf("libcudart.so.13", "libcublas.so.13", device_code=CODE),
    "/site/bitsandbytes/libbitsandbytes_rocm64.so": elf("libhipblas.so.2", "libhipblaslt.so.0", hip=("gfx90a",)),
    "/site/bitsandbytes/libbitsandbytes_rocm72.so": elf("libhipblas.so.3", "libhipblaslt.so.1", hip=("gfx950",)),
    "/site/bitsandbytes/libbitsandbytes_xpu2026.so": elf("libsycl.so.9", sections=(GEN,)),
}
CUDART = {"/cuda/libcudart.so.12": elf(soname="libcudart.so.12")}
HIP = {"/opt/rocm/lib/libamdhip64.so.6": elf(soname="libamdhip64.so.6")}


def test_variants_for_every_vendor_are_alternatives() -> None:
    finding = by_id(DETECTOR, image_view(elves=BITSANDBYTES))["gpu.alternatives"]
    assert finding.title == (
        "Code for GPUs of NVIDIA (CUDA 11, 12, 13), AMD (ROCm 6, 7), Intel: any of them will do, or none"
    )
    assert finding.facts == {
        "gpu.vendors": ["amd", "intel", "nvidia"],
        "accelerator.pci": ["1002", "10de", "8086"],
    }
    assert (finding.confidence, finding.requirement, finding.severity) == (LIKELY, None, Severity.INFO)
    assert {evidence.path for evidence in finding.evidence} == set(BITSANDBYTES) - {
        "/site/bitsandbytes/libbitsandbytes_cpu.so"
    }


def test_the_runtime_in_the_image_makes_the_others_a_hint() -> None:
    finding = by_id(DETECTOR, image_view(elves=BITSANDBYTES | CUDART))["gpu.alternatives"]
    assert (finding.confidence, finding.requirement) == (HINT, None)


def test_with_several_runtimes_those_are_the_choice() -> None:
    finding = by_id(DETECTOR, image_view(elves=BITSANDBYTES | CUDART | HIP))["gpu.alternatives"]
    assert finding.title.startswith("Code for GPUs of NVIDIA (")
    assert finding.facts["gpu.vendors"] == ["amd", "nvidia"]
    assert finding.confidence is LIKELY


def test_what_the_program_does_not_come_to_is_a_hint() -> None:
    view = image_view(elves=BITSANDBYTES | {"/app": elf()}, reached={"/app": PROVEN})
    assert by_id(DETECTOR, view)["gpu.alternatives"].confidence is HINT


@pytest.mark.parametrize(
    "elves",
    [
        {"/a": elf("libcudart.so.12"), "/b": elf("libcudart.so.11.0")},
        {"/a": elf("libamdhip64.so.6")},
        {"/a": elf("libcudart.so.12"), "/lib/ucx/libuct_rocm.so.0": elf("libhsa-runtime64.so.1")},
        {"/a": elf("libc.so.6")},
        {},
    ],
)
def test_one_vendor_is_no_choice(elves: dict[str, ElfFacts]) -> None:
    assert findings(DETECTOR, image_view(elves=elves)) == []


def test_a_program_linked_with_several_runtimes_needs_one_of_their_gpus() -> None:
    elves = {"/app": elf("libcudart.so.12", "libamdhip64.so.6", "libze_loader.so.1")} | CUDART | HIP
    finding = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))["gpu.alternatives"]
    assert (finding.confidence, finding.severity) == (LIKELY, Severity.REQUIRED)
    assert finding.title.endswith("one of them is needed")
    assert isinstance(finding.requirement, AlternativesRequirement)
    amd, intel, npu, nvidia = finding.requirement.any
    assert nvidia == (DriverRequirement(driver=">=525.60.13", when="always"),)
    assert amd == (PciRequirement(pci=("1002",), classes=("03", "12")), ModuleRequirement(module=("amdgpu",)))
    assert intel == (PciRequirement(pci=("8086",), classes=("03",)), ModuleRequirement(module=("i915", "xe")))
    assert npu[1] == ModuleRequirement(module=("intel_vpu",))


def test_older_drivers_that_a_compatibility_library_makes_do_are_not_refused() -> None:
    elves = {
        "/app": elf("libcudart.so.12", "libamdhip64.so.6"),
        "/usr/local/cuda-12.8/compat/libcuda.so.570.86.10": elf(soname="libcuda.so.1"),
    }
    finding = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["gpu.alternatives"]
    assert isinstance(finding.requirement, AlternativesRequirement)
    assert (ModuleRequirement(module=("nvidia",)),) in finding.requirement.any


def test_a_program_that_will_not_load_without_nvidias_driver_has_no_choice() -> None:
    elves = {"/app": elf("libcuda.so.1", "libcudart.so.12", "libamdhip64.so.6")}
    finding = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["gpu.alternatives"]
    assert finding.requirement is None


def test_a_runtime_that_only_middleware_asks_for_is_not_what_the_program_is_linked_with() -> None:
    elves = {
        "/app": elf("libze_loader.so.1"),
        "/cuda/libcudart.so.12": elf(soname="libcudart.so.12"),
        "/lib/ucx/libuct_cuda.so.0": elf("libcudart.so.12"),
    }
    reached = {"/app": PROVEN, "/cuda/libcudart.so.12": PROVEN}
    assert findings(DETECTOR, image_view(elves=elves, reached=reached)) == []
