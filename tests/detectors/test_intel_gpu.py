import pytest

from compatbuild.detectors.intel_gpu import DETECTOR
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import Reach
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import AlternativesRequirement, ModuleRequirement, PciRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
SPIR64 = "__CLANG_OFFLOAD_BUNDLE__sycl-spir64"
GEN = "__CLANG_OFFLOAD_BUNDLE__sycl-spir64_gen"
LOADER = "/usr/lib/x86_64-linux-gnu/libze_loader.so.1.32.0"
ZE = {LOADER: elf(soname="libze_loader.so.1")}


@pytest.mark.parametrize(
    "file",
    [
        elf("libsycl.so.8", sections=(".text", GEN, SPIR64)),
        elf("libsycl.so.9"),
        elf(sections=(SPIR64,)),
        elf("libze_loader.so.1"),
        elf(soname="libze_intel_gpu.so.1"),
        elf(soname="libsycl.so.9"),
    ],
)
def test_who_uses_or_is_a_library_for_intel_gpus(file: ElfFacts) -> None:
    finding = by_id(DETECTOR, image_view(elves={"/site/plugin.so": file}))["intel.gpu"]
    assert finding.facts == {"gpu.vendors": ["intel"], "accelerator.pci": ["8086"]}
    assert (finding.confidence, finding.requirement, finding.severity) == (LIKELY, None, Severity.INFO)
    assert finding.title == "An Intel GPU where one is used"


@pytest.mark.parametrize(
    "section",
    [
        "__CLANG_OFFLOAD_BUNDLE__sycl-spir64_x86_64",
        "__CLANG_OFFLOAD_BUNDLE__sycl-native_cpu",
        "__CLANG_OFFLOAD_BUNDLE__openmp-spir64",
        "__CLANG_OFFLOAD_BUNDLE__host-x86_64-unknown-linux-gnu",
        "__CLANG_OFFLOAD_BUNDLE__",
        ".hip_fatbin",
    ],
)
def test_device_code_for_the_cpu_and_of_openmp_is_not_for_a_gpu(section: str) -> None:
    assert findings(DETECTOR, image_view(elves={"/app": elf(sections=(section,))})) == []


def test_a_program_that_is_linked_with_level_zero_needs_a_device_for_it() -> None:
    elves = {"/app": elf("libze_loader.so.1")} | ZE
    found = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    gpu = found["intel.gpu"]
    assert isinstance(gpu.requirement, AlternativesRequirement)
    assert gpu.requirement.any[0] == (PciRequirement(pci=("8086",), classes=("03",)),)
    assert isinstance(gpu.requirement.any[1][0], PciRequirement)
    assert "7d1d" in gpu.requirement.any[1][0].devices
    assert (gpu.confidence, gpu.title) == (LIKELY, "An Intel GPU or Intel NPU")
    assert found["intel.driver"].requirement == ModuleRequirement(module=("i915", "xe", "intel_vpu"))


def test_a_sycl_program_runs_on_the_cpu_as_well() -> None:
    view = image_view(elves={"/app": elf("libsycl.so.9", sections=(SPIR64,))}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)
    assert (found["intel.gpu"].requirement, set(found)) == (None, {"intel.gpu"})


MIDDLEWARE = {
    "/opt/intel/mpi/lib/mpi/libmpi_ze_hooks.so": elf("libze_loader.so.1"),
    "/usr/lib/libmpich.so.12.6.2": elf("libze_loader.so.1", soname="libmpich.so.12"),
    "/usr/lib/hwloc/hwloc_levelzero.so": elf("libze_loader.so.1"),
    "/usr/lib/ucx/libuct_ze.so.0.0.0": elf("libze_loader.so.1"),
    "/opt/intel/lib/libomptarget.so": elf("libur_loader.so.0", "libze_loader.so.1"),
    "/opt/intel/lib/libomptarget.sycl.wrap.so": elf("libsycl.so.9"),
}


def test_mpi_and_the_openmp_runtime_are_no_use_of_a_gpu() -> None:
    assert findings(DETECTOR, image_view(elves=MIDDLEWARE)) == []
    libraries = ZE | {"/lib/libsycl.so.9": elf(soname="libsycl.so.9")}
    assert findings(DETECTOR, image_view(elves=MIDDLEWARE | libraries)) == []


def test_a_program_of_debians_mpich_can_do_without_a_gpu() -> None:
    """libmpich.so.12 itself needs the loader of Level Zero there."""
    mpich = "/usr/lib/libmpich.so.12.6.2"
    elves = {"/app": elf("libmpich.so.12"), mpich: MIDDLEWARE[mpich]} | ZE
    chains = {"/app": ("/app",), mpich: ("/app", mpich), LOADER: ("/app", mpich, LOADER)}
    reached = {path: Reach(PROVEN, chain) for path, chain in chains.items()}
    assert findings(DETECTOR, image_view(elves=elves, reached=reached)) == []


def test_an_application_beside_middleware_counts() -> None:
    elves = MIDDLEWARE | ZE | {"/app": elf("libze_loader.so.1")}
    assert by_id(DETECTOR, image_view(elves=elves))["intel.gpu"].confidence is LIKELY


def test_what_the_program_does_not_come_to_is_a_hint() -> None:
    elves = {"/app": elf(), "/opt/tool": elf("libze_loader.so.1")}
    assert by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["intel.gpu"].confidence is HINT


def test_an_opencl_plug_in_and_plain_programs_say_nothing() -> None:
    elves = {"/site/openvino/libopenvino_intel_gpu_plugin.so": elf("libOpenCL.so.1"), "/app": elf("libc.so.6")}
    assert findings(DETECTOR, image_view(elves=elves)) == []
