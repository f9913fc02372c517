import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.detectors._cuda import TOOLS
from compatbuild.detectors._targets import covered, dotted, gaps, lowest, number
from compatbuild.detectors.cuda_code import DETECTOR
from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import ComputeRequirement, DriverRequirement
from tests.builders.views import by_id, elf, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
CUDA = load().cuda


def sass(*targets: str) -> tuple[DeviceCode, ...]:
    return tuple(DeviceCode("sass", target, "", ".nv_fatbin") for target in targets)


def ptx(target: str, isa: str, section: str = ".nv_fatbin") -> tuple[DeviceCode, ...]:
    return (DeviceCode("ptx", target, isa, section),)


def with_code(*code: DeviceCode, **markers: tuple[str, ...]) -> ElfFacts:
    return elf("libc.so.6", device_code=code, markers=markers)


JAX12 = sass("50", "60", "70", "80", "90", "100", "101", "120") + ptx("120", "8.8")
ONNX = sass("75", "80", "86", "89", "90a", "120a")


def test_coverage_of_a_library_as_measured_in_jax() -> None:
    found = by_id(DETECTOR, image_view(elves={"/site/jax_cuda12_plugin/cuda.so": with_code(*JAX12)}))
    finding = found["cuda.code"]
    assert finding.requirement == ComputeRequirement(compute=">=5.0", when="present")
    assert finding.confidence is LIKELY
    assert finding.facts == {
        "cuda.sass": ["50", "60", "70", "80", "90", "100", "101", "120"],
        "cuda.ptx": [["120", "8.8"]],
        "cuda.toolkit": "12.9",
        "cuda.compute.min": "5.0",
        "gpu.vendors": ["nvidia"],
        "accelerator.pci": ["10de"],
    }
    assert "cuda.compute-gaps" not in found
    assert "cuda.ptx-jit" not in found


def test_a_proven_use_is_still_only_likely() -> None:
    view = image_view(elves={"/app": with_code(*sass("80"))}, reached={"/app": PROVEN})
    assert by_id(DETECTOR, view)["cuda.code"].confidence is LIKELY


def test_a_missing_generation_is_a_warning() -> None:
    found = by_id(DETECTOR, image_view(elves={"/site/onnxruntime/libonnxruntime_providers_cuda.so": with_code(*ONNX)}))
    gap = found["cuda.compute-gaps"]
    assert gap.facts == {"cuda.compute.gaps": ["10.x", "11.x", "12.1"]}
    assert (gap.confidence, gap.severity, gap.requirement) == (HINT, Severity.RECOMMENDED, None)
    assert found["cuda.code"].requirement == ComputeRequirement(compute=">=7.5")


def test_a_narrow_file_beside_the_main_one_does_not_narrow_the_image() -> None:
    elves = {
        "/site/vllm/_C.abi3.so": with_code(*sass("75", "80", "86", "89", "90", "100", "110", "120")),
        "/site/vllm/_flashmla_C.abi3.so": with_code(*sass("90a", "100f")),
    }
    found = by_id(DETECTOR, image_view(elves=elves))
    assert found["cuda.code"].requirement == ComputeRequirement(compute=">=7.5")
    assert [evidence.path for evidence in found["cuda.narrow-files"].evidence] == ["/site/vllm/_flashmla_C.abi3.so"]
    assert found["cuda.narrow-files"].confidence is HINT


def test_nvidias_own_libraries_do_not_widen_what_the_program_covers() -> None:
    nccl = {"/site/nvidia/nccl/lib/libnccl.so.2": with_code(*sass("60", "70", "80", "90"))}
    torch = {"/site/torch/lib/libtorch_cuda.so": with_code(*sass("75", "80", "90"))}
    assert by_id(DETECTOR, image_view(elves=nccl | torch))["cuda.code"].facts["cuda.compute.min"] == "7.5"
    assert by_id(DETECTOR, image_view(elves=nccl))["cuda.code"].facts["cuda.compute.min"] == "6.0"


def test_only_used_files_count_if_there_are_any() -> None:
    elves = {"/app": with_code(*sass("80")), "/opt/old": with_code(*sass("35"))}
    assert by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["cuda.code"].facts["cuda.sass"] == ["80"]
    unused = by_id(DETECTOR, image_view(elves={"/bin/sh": elf()} | elves, reached={"/bin/sh": PROVEN}))["cuda.code"]
    assert (unused.confidence, unused.severity) == (HINT, Severity.INFO)


def test_gpus_with_ptx_only_need_a_driver_that_knows_its_isa() -> None:
    found = by_id(DETECTOR, image_view(elves={"/app": with_code(*sass("80"), *ptx("90", "8.8"))}))
    assert found["cuda.code"].requirement == ComputeRequirement(compute=">=8.0")
    jit = found["cuda.ptx-jit"]
    assert jit.title == (
        "GPUs that only PTX covers need a driver >= 575.51.03 (9.0, 10.0, 10.3, 10.7, 11.0, 12.0, 12.1)"
    )
    assert (jit.confidence, jit.requirement) == (HINT, None)


def test_each_gpu_takes_the_oldest_ptx_that_covers_it() -> None:
    code = (*sass("75"), *ptx("80", "7.8"), *ptx("90", "8.8"), *ptx("120", "9.0"))
    jit = by_id(DETECTOR, image_view(elves={"/app": with_code(*code)}))["cuda.ptx-jit"]
    assert jit.title.startswith("GPUs that only PTX covers need a driver >= 520.61.05 (8.0, ")
    assert "575" not in jit.title


def test_without_native_code_every_gpu_needs_that_driver() -> None:
    view = image_view(elves={"/app": with_code(*ptx("80", "8.8"), *ptx("90", "9.0"))}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)
    assert found["cuda.code"].requirement == ComputeRequirement(compute=">=8.0")
    jit = found["cuda.ptx-jit"]
    assert jit.requirement == DriverRequirement(driver=">=575.51.03", when="present")
    assert (jit.confidence, jit.severity) == (LIKELY, Severity.REQUIRED)
    unused = by_id(
        DETECTOR, image_view(elves={"/app": with_code(*ptx("80", "8.8")), "/m": elf()}, reached={"/m": PROVEN})
    )
    assert (unused["cuda.ptx-jit"].confidence, unused["cuda.ptx-jit"].requirement) == (HINT, None)


def test_a_forward_compatibility_library_compiles_ptx_itself() -> None:
    elves = {
        "/app": with_code(*ptx("80", "8.8")),
        "/usr/local/cuda-12.9/compat/libcuda.so.575.57.08": elf(soname="libcuda.so.1"),
    }
    jit = by_id(DETECTOR, image_view(elves=elves))["cuda.ptx-jit"]
    assert (jit.confidence, jit.requirement) == (HINT, None)


@pytest.mark.parametrize(
    ("isa", "driver", "confidence"),
    [("9.0", "580.65.06", LIKELY), ("9.3", "610.43.02", LIKELY), ("9.4", "615", LIKELY), ("9.5", "620", LIKELY)],
)
def test_where_the_installer_has_no_driver_the_branch_decides(isa: str, driver: str, confidence: Confidence) -> None:
    jit = by_id(DETECTOR, image_view(elves={"/app": with_code(*ptx("90", isa))}))["cuda.ptx-jit"]
    assert (jit.requirement, jit.confidence) == (DriverRequirement(driver=f">={driver}"), confidence)


def test_ptx_of_an_unknown_release_says_nothing_of_a_driver() -> None:
    assert "cuda.ptx-jit" not in by_id(DETECTOR, image_view(elves={"/app": with_code(*sass("80"), *ptx("90", "9.9"))}))


def test_the_compilers_own_words_name_the_toolkit() -> None:
    view = image_view(elves={"/app": with_code(*sass("80"), **{TOOLS.id: ("12.6",)})})
    assert by_id(DETECTOR, view)["cuda.code"].facts["cuda.toolkit"] == "12.6"
    assert "cuda.toolkit" not in by_id(DETECTOR, image_view(elves={"/app": with_code(*sass("80"))}))["cuda.code"].facts


def test_native_code_for_a_gpu_that_the_ptxs_toolkit_did_not_know_is_from_a_later_one() -> None:
    """cuFFT of CUDA 12.9 holds PTX of ISA 7.8 at most, and native code for 12.0."""
    cufft = with_code(*sass("50", "90", "101", "120"), *ptx("50", "7.0"), *ptx("90", "7.8"))
    finding = by_id(DETECTOR, image_view(elves={"/site/libcufft.so.11": cufft}))["cuda.code"]
    assert finding.facts["cuda.toolkit"] == "12.8"
    assert any("12.8 is the first" in evidence.statement for evidence in finding.evidence)


def test_a_plug_in_for_the_newest_gpus_alone_is_no_need_of_the_image() -> None:
    """NIXL's plug-in GPUNETIO has code for 9.0 and later; its other plug-ins have none."""
    elves = {
        "/site/nixl_cu12.libs/nixl/libplugin_GPUNETIO.so": elf("libcudart.so.12", device_code=sass("90", "100")),
        "/site/nixl_ep_cu12/nixl_ep_cpp_torch211.cpython-311-x86_64-linux-gnu.so": with_code(*sass("90", "100")),
    }
    assert by_id(DETECTOR, image_view(elves=elves))["cuda.code"].confidence is HINT
    program = elves | {"/site/app.so": with_code(*sass("80"), *ptx("80", "8.0"))}
    finding = by_id(DETECTOR, image_view(elves=program))["cuda.code"]
    assert finding.requirement == ComputeRequirement(compute=">=8.0", when="present")


def test_code_before_the_device_link_is_no_coverage() -> None:
    relocatable = ptx("50", "8.8", "__nv_relfatbin")
    found = by_id(DETECTOR, image_view(elves={"/app": with_code(*sass("80"), *relocatable)}))
    assert found["cuda.code"].facts["cuda.compute.min"] == "8.0"
    alone = by_id(DETECTOR, image_view(elves={"/app": with_code(*relocatable)}))
    assert set(alone) == {"cuda.unlinked-code"}
    assert alone["cuda.unlinked-code"].confidence is HINT


def test_ptx_beside_the_linked_code_is_told_as_what_it_is() -> None:
    """As in bitsandbytes: native code in both sections, PTX only before the link."""
    both = (*sass("80"), DeviceCode("sass", "80", "", "__nv_relfatbin"), *ptx("90", "8.1", "__nv_relfatbin"))
    found = by_id(DETECTOR, image_view(elves={"/app": with_code(*both)}))
    assert found["cuda.code"].facts["cuda.ptx"] == []
    assert found["cuda.unlinked-code"].evidence[0].statement == "Native code for none; PTX for 90 (ISA 8.1)"
    same = (*sass("80"), DeviceCode("sass", "80", "", "__nv_relfatbin"))
    assert "cuda.unlinked-code" not in by_id(DETECTOR, image_view(elves={"/app": with_code(*same)}))


def variant(runtime: str, *code: DeviceCode) -> ElfFacts:
    return elf(runtime, device_code=code)


def test_variants_that_nobody_is_seen_to_load_do_not_count() -> None:
    variants = {
        "/site/bnb/lib_cuda118.so": variant("libcudart.so.11.0", *sass("60", "90")),
        "/site/bnb/lib_cuda129.so": variant("libcudart.so.12", *sass("70", "90", "120")),
        "/site/bnb/lib_cuda132.so": variant("libcudart.so.13", *sass("75", "120")),
    }
    alone = by_id(DETECTOR, image_view(elves=variants))["cuda.code"]
    assert (alone.confidence, alone.facts["cuda.compute.min"]) == (HINT, "6.0")
    runtime = {"/cuda/libcudart.so.12": elf(soname="libcudart.so.12")}
    chosen = by_id(DETECTOR, image_view(elves=variants | runtime))["cuda.code"]
    assert (chosen.confidence, chosen.facts["cuda.compute.min"]) == (LIKELY, "7.0")


@pytest.mark.parametrize("name", ["libcupti.so.12", "libcheckpoint.so", "libpcsamplingutil.so"])
def test_code_for_measuring_is_not_what_the_program_runs(name: str) -> None:
    code = DeviceCode("sass", "50", "", ".rodata")
    assert by_id(DETECTOR, image_view(elves={f"/site/triton/lib/cupti/{name}": with_code(code)})) == {}


def test_the_drivers_own_code_is_not_the_images() -> None:
    compat = {"/usr/local/cuda-12.8/compat/libnvidia-nvvm.so": with_code(*sass("50"))}
    assert by_id(DETECTOR, image_view(elves=compat)) == {}


def test_images_without_device_code_and_unreadable_targets_say_nothing() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf("libcudart.so.12")})) == {}
    assert by_id(DETECTOR, image_view(elves={"/app": with_code(*sass("later"))})) == {}


@pytest.mark.parametrize(
    ("code", "runs_on", "not_on"),
    [
        (sass("80"), {80, 86, 87, 88, 89}, {75, 90}),
        (sass("86"), {86, 87, 88, 89}, {80}),
        (sass("90a"), {90}, {100}),
        (sass("100f"), {100, 103, 107}, {90, 110, 120}),
        (sass("103f"), {103, 107}, {100}),
        (sass("101"), {110}, {100, 103}),
        (ptx("75", "7.0"), {75, 80, 90, 121}, {72}),
        (ptx("90a", "8.0"), {90}, {100}),
        (ptx("100f", "8.8"), {100, 103}, {120}),
    ],
)
def test_what_a_target_runs_on(code: tuple[DeviceCode, ...], runs_on: set[int], not_on: set[int]) -> None:
    found = covered(code, CUDA)
    assert runs_on <= found
    assert not not_on & found


TARGETS = st.builds(
    lambda kind, capability, suffix: DeviceCode(kind, f"{capability}{suffix}", "8.8", ".nv_fatbin"),
    st.sampled_from(["sass", "ptx"]),
    st.sampled_from(sorted(CUDA.capabilities)),
    st.sampled_from(["", "a", "f"]),
)


@given(st.lists(TARGETS, min_size=1, max_size=6))
def test_lowest_is_covered_and_gaps_are_not(code: list[DeviceCode]) -> None:
    found, floor = covered(code, CUDA), lowest(code, CUDA)
    assert floor == min(found)
    for gap in gaps(code, CUDA):
        major, _, minor = gap.partition(".")
        generation = {capability for capability in CUDA.capabilities if capability // 10 == int(major)}
        if minor == "x":
            assert not generation & found
        else:
            assert int(major) * 10 + int(minor) not in found
    assert all(c in found or c < floor or gaps(code, CUDA) for c in CUDA.capabilities)


@given(st.text(max_size=8))
def test_any_target_can_be_read(target: str) -> None:
    assert number(target) >= 0
    assert dotted(number(target)).count(".") == 1
