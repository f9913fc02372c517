import dataclasses

import pytest

from compatbuild.detectors._cuda import STATIC_RUNTIME, TOOLS
from compatbuild.detectors.cuda_runtime import DETECTOR
from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.image.view import Kind, Node, Reach
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, DriverRequirement, ModuleRequirement
from tests.builders.views import by_id, elf, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
CUDART12 = "/usr/local/cuda/lib64/libcudart.so.12.9.79"
STATIC = {STATIC_RUNTIME.id: ()}


def cudart(major: str = "12") -> ElfFacts:
    return elf("libc.so.6", soname=f"libcudart.so.{major}", markers=STATIC)


def floor(finding: Finding) -> tuple[str, str] | None:
    assert finding.requirement is None or isinstance(finding.requirement, DriverRequirement)
    return (finding.requirement.driver, finding.requirement.when) if finding.requirement else None


@pytest.mark.parametrize(
    ("soname", "major", "driver"),
    [
        ("libcudart.so.11.0", 11, ">=450.80.02"),
        ("libcudart.so.12", 12, ">=525.60.13"),
        ("libcudart.so.13", 13, ">=580.65.06"),
        ("libcudart-256e6409.so.12.9.79", 12, ">=525.60.13"),
        ("libcublas.so.12", 12, ">=525.60.13"),
        ("libcufft.so.11", 12, ">=525.60.13"),
    ],
)
def test_a_library_asks_for_the_floor_of_its_major(soname: str, major: int, driver: str) -> None:
    finding = by_id(DETECTOR, image_view(elves={f"/opt/{soname}": elf(soname=soname)}))["cuda.driver-min"]
    assert floor(finding) == (driver, "present")
    assert finding.confidence is LIKELY
    assert finding.facts == {
        "cuda.major": major,
        "cuda.driver.min": driver.removeprefix(">="),
        "gpu.vendors": ["nvidia"],
        "accelerator.pci": ["10de"],
    }
    assert finding.title == f"NVIDIA driver >= {driver.removeprefix('>=')} where a GPU is used"


@pytest.mark.parametrize("soname", ["libcurand.so.10", "libcusparse.so.12", "libcudnn.so.9", "libnccl.so.2"])
def test_a_soname_that_majors_share_says_nothing(soname: str) -> None:
    assert by_id(DETECTOR, image_view(elves={f"/opt/{soname}": elf(soname=soname)})) == {}


@pytest.mark.parametrize("soname", ["libcudart.so.14", "libcudart.so.10.2", "libcudart_static.so.12"])
def test_an_unknown_runtime_says_nothing(soname: str) -> None:
    assert by_id(DETECTOR, image_view(elves={f"/opt/{soname}": elf(soname=soname)})) == {}


def test_a_gpu_is_required_of_a_program_that_will_not_load_without() -> None:
    elves = {"/app": elf("libcudart.so.12"), CUDART12: cudart()}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))["cuda.driver-min"]
    assert (finding.confidence, floor(finding)) == (PROVEN, (">=525.60.13", "always"))
    assert finding.title == "NVIDIA driver >= 525.60.13"


def test_a_python_extension_makes_it_likely_and_conditional() -> None:
    elves = {"/usr/bin/python3": elf(), "/site/torch/lib/libtorch_cuda.so": elf("libcudart.so.12"), CUDART12: cudart()}
    reached = {"/usr/bin/python3": PROVEN, "/site/torch/lib/libtorch_cuda.so": LIKELY, CUDART12: LIKELY}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=reached))["cuda.driver-min"]
    assert (finding.confidence, floor(finding), finding.severity) == (
        LIKELY,
        (">=525.60.13", "present"),
        Severity.REQUIRED,
    )


def test_cuda_that_the_program_never_comes_to_is_a_hint() -> None:
    finding = by_id(DETECTOR, image_view(elves={"/app": elf(), CUDART12: cudart()}, reached={"/app": PROVEN}))[
        "cuda.driver-min"
    ]
    assert (finding.confidence, finding.severity) == (HINT, Severity.INFO)


def test_the_highest_major_in_use_decides_not_the_highest_in_the_image() -> None:
    elves = {
        "/site/new.so": elf("libcudart.so.12"),
        "/site/old.so": elf("libcudart.so.11.0"),
        "/site/other.so": elf("libcudart.so.13"),
        CUDART12: cudart(),
        "/opt/libcudart.so.11.0": cudart("11.0"),
        "/opt/libcudart.so.13": cudart("13"),
    }
    reached = dict.fromkeys(("/site/new.so", "/site/old.so", CUDART12, "/opt/libcudart.so.11.0"), LIKELY)
    finding = by_id(DETECTOR, image_view(elves=elves, reached=reached))["cuda.driver-min"]
    assert finding.facts["cuda.major"] == 12
    assert [evidence.path for evidence in finding.evidence] == ["/site/new.so", CUDART12]


def test_of_libraries_that_nothing_needs_the_lowest_runtime_decides() -> None:
    """As in triton, which has CUPTI for CUDA 12 and 13."""
    code = (DeviceCode("sass", "75", "", ".rodata"),)
    cupti = {
        "/site/triton/lib/cupti/libcupti.so.12": elf(soname="libcupti.so.12"),
        "/site/triton/lib/cupti-blackwell/libcupti.so.13": elf(soname="libcupti.so.13"),
        "/site/triton/lib/cupti-blackwell/libcheckpoint.so": elf(markers={TOOLS.id: ("13.3",)}, device_code=code),
    }
    assert by_id(DETECTOR, image_view(elves=cupti))["cuda.driver-min"].facts["cuda.major"] == 12
    runtime = cupti | {"/cuda/libcudart.so.13": cudart("13")}
    assert by_id(DETECTOR, image_view(elves=runtime))["cuda.driver-min"].facts["cuda.major"] == 13
    torch = cupti | {"/site/torch/lib/libtorch_cuda.so": elf("libcudart.so.12", "libcupti.so.12")}
    assert by_id(DETECTOR, image_view(elves=torch))["cuda.driver-min"].facts["cuda.major"] == 12


def variants() -> dict[str, ElfFacts]:
    return {
        "/site/bitsandbytes/libbitsandbytes_cuda118.so": elf("libcudart.so.11.0", "libcublas.so.11"),
        "/site/bitsandbytes/libbitsandbytes_cuda129.so": elf("libcudart.so.12", "libcublas.so.12"),
        "/site/bitsandbytes/libbitsandbytes_cuda132.so": elf("libcudart.so.13", "libcublas.so.13"),
    }


def test_variants_for_every_cuda_are_alternatives_and_no_requirement() -> None:
    reached = dict.fromkeys(variants(), LIKELY)
    finding = by_id(DETECTOR, image_view(elves=variants(), reached=reached))["cuda.driver-min"]
    assert (finding.confidence, finding.requirement) == (HINT, None)
    assert finding.title == "CUDA 11, 12, 13"


def test_the_runtime_in_the_image_chooses_among_variants() -> None:
    elves = variants() | {CUDART12: cudart()}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, LIKELY)))["cuda.driver-min"]
    assert (finding.confidence, finding.facts["cuda.major"]) == (LIKELY, 12)


def test_what_another_package_asks_for_is_no_variant() -> None:
    elves = variants() | {"/site/torch/lib/libtorch_cuda.so": elf("libcudart.so.13")}
    finding = by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"]
    assert (finding.confidence, floor(finding)) == (LIKELY, (">=580.65.06", "present"))
    assert [evidence.path for evidence in finding.evidence] == ["/site/torch/lib/libtorch_cuda.so"]


def test_of_variants_that_bring_their_runtimes_the_lowest_will_do() -> None:
    """As ollama has them."""
    elves = {
        f"/usr/lib/ollama/cuda_v{major}/{name}": file
        for major in (12, 13)
        for name, file in {
            "libggml-cuda.so": elf(f"libcudart.so.{major}", "libcuda.so.1"),
            f"libcudart.so.{major}.0.48": cudart(str(major)),
        }.items()
    }
    finding = by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"]
    assert (finding.facts["cuda.major"], floor(finding)) == (12, (">=525.60.13", "present"))
    other = elves | {"/usr/bin/tool": elf("libcudart.so.13")}
    assert by_id(DETECTOR, image_view(elves=other))["cuda.driver-min"].facts["cuda.major"] == 13


def test_who_uses_cuda_goes_before_libraries_that_lie_there() -> None:
    elves = {"/app": elf("libcudart.so.12"), CUDART12: cudart(), "/opt/cu13/libcudart.so.13": cudart("13")}
    assert by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"].facts["cuda.major"] == 12


def test_one_missing_runtime_is_expected_from_outside() -> None:
    elves = {"/site/sgl_kernel/flash_ops.abi3.so": elf("libcuda.so.1", "libcudart.so.12", "libtorch_cuda.so")}
    finding = by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"]
    assert (finding.confidence, floor(finding)) == (LIKELY, (">=525.60.13", "present"))


def test_a_static_runtime_is_dated_by_its_compiler() -> None:
    code = (DeviceCode("ptx", "90", "9.5", ".nv_fatbin"), DeviceCode("sass", "80", "", ".nv_fatbin"))
    elves = {"/app": elf("libc.so.6", markers=STATIC, device_code=code)}
    finding = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["cuda.driver-min"]
    assert (finding.confidence, floor(finding)) == (LIKELY, (">=580.65.06", "present"))


def test_the_compilers_own_words_go_before_the_ptx() -> None:
    code = (DeviceCode("ptx", "90", "8.0", ".nv_fatbin"),)
    elves = {"/app": elf(markers=STATIC | {TOOLS.id: ("13.5",)}, device_code=code)}
    assert by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"].facts["cuda.major"] == 13


def test_a_static_runtime_of_unknown_age_says_nothing() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf(markers=STATIC)})) == {}


def test_the_text_of_the_static_runtime_counts_only_where_no_shared_one_is_needed() -> None:
    code = (DeviceCode("ptx", "90", "9.0", ".nv_fatbin"),)
    elves = {"/app": elf("libcudart.so.12", markers=STATIC, device_code=code)}
    assert by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"].facts["cuda.major"] == 12


def test_a_plain_program_says_nothing() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf("libc.so.6")}, reached={"/app": PROVEN})) == {}


def test_a_program_that_links_the_driver_needs_one() -> None:
    view = image_view(elves={"/app": elf("libnvidia-ml.so.1")}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["cuda.driver"]
    assert (finding.confidence, finding.requirement) == (PROVEN, ModuleRequirement(module=("nvidia",)))


@pytest.mark.parametrize(
    ("plugin", "reach", "confidence"),
    [
        ("/site/torch/lib/libcaffe2_nvrtc.so", LIKELY, LIKELY),
        ("/site/torch/lib/libcaffe2_nvrtc.so", None, HINT),
        ("/lib/ucx/libuct_cuda.so.0", LIKELY, HINT),
        ("/lib/hwloc/hwloc_nvml.so", LIKELY, HINT),
    ],
)
def test_a_plug_in_that_links_the_driver_does_not(
    plugin: str, reach: Confidence | None, confidence: Confidence
) -> None:
    reached = {"/app": PROVEN} | ({plugin: reach} if reach else {})
    finding = by_id(DETECTOR, image_view(elves={"/app": elf(), plugin: elf("libcuda.so.1")}, reached=reached))[
        "cuda.driver"
    ]
    assert (finding.confidence, finding.requirement) == (confidence, None)


def test_the_driver_makes_a_floor_unconditional() -> None:
    elves = {
        "/app": elf("libcuda.so.1", "libggml.so"),
        "/lib/libggml.so": elf("libcublas.so.12"),
        "/l/libcublas.so.12": elf(),
    }
    found = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert set(found) == {"cuda.driver-min"}
    assert (found["cuda.driver-min"].confidence, floor(found["cuda.driver-min"])) == (LIKELY, (">=525.60.13", "always"))
    assert "/app" in {evidence.path for evidence in found["cuda.driver-min"].evidence}


@pytest.mark.parametrize(
    "path", ["/usr/local/cuda/lib64/stubs/libcuda.so", "/usr/local/cuda-12.8/compat/libcuda.so.570.86.10"]
)
def test_stubs_and_compatibility_libraries_are_not_the_driver(path: str) -> None:
    code = (DeviceCode("ptx", "90", "9.5", ".nv_fatbin"),)
    elves = {"/app": elf("libcuda.so.1"), path: elf(soname="libcuda.so.1", device_code=code)}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN, path: PROVEN}))
    assert found["cuda.driver"].confidence is PROVEN
    assert "cuda.driver-min" not in found


def test_a_copy_of_the_driver_in_the_image_satisfies_the_loader() -> None:
    elves = {"/app": elf("libcuda.so.1"), "/usr/lib/libcuda.so.550.54.14": elf(soname="libcuda.so.1")}
    finding = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))["cuda.driver"]
    assert (finding.confidence, finding.requirement) == (LIKELY, None)


COMPAT = {"/usr/local/cuda-12.8/compat/libcuda.so.570.86.10": elf(soname="libcuda.so.1"), CUDART12: cudart()}
REQUIRE = {"NVIDIA_REQUIRE_CUDA": "cuda>=12.8 brand=tesla,driver>=470,driver<471"}


def older(finding: Finding) -> list[str]:
    """Return the ranges that alternatives allow, all of them only where a GPU is used."""
    assert isinstance(finding.requirement, AlternativesRequirement)
    ways = [way for (way,) in finding.requirement.any]
    assert all(isinstance(way, DriverRequirement) and way.when == "present" for way in ways)
    return [way.driver for way in ways if isinstance(way, DriverRequirement)]


def test_forward_compatibility_lets_the_branches_do_that_it_was_made_for() -> None:
    found = by_id(DETECTOR, image_view(elves=COMPAT))
    assert found["cuda.forward-compat"].requirement is None
    assert found["cuda.forward-compat"].title.endswith("470, 535, 550, 560, 565 do, on data-centre GPUs only")
    assert older(found["cuda.driver-min"]) == [">=525.60.13", ">=470,<471"]
    assert found["cuda.driver-min"].facts["cuda.driver.min"] == "525.60.13"


@pytest.mark.parametrize(
    ("path", "ranges"),
    [
        ("/usr/local/cuda-13.0/compat/libcuda.so.580.65.06", [535, 550, 565, 570, 575]),
        ("/usr/local/cuda/compat/libcuda.so.580.105.08", [535, 550, 565, 570, 575]),
        ("/usr/local/cuda-13.0/compat/libcuda.so.1", [535, 550, 565, 570, 575]),
        ("/usr/local/cuda-13.2/compat/libcuda.so.595.45.04", [535, 570]),
    ],
)
def test_a_compatibility_library_is_told_by_its_version_or_its_directory(path: str, ranges: list[int]) -> None:
    elves = {path: elf(soname="libcuda.so.1"), "/cuda/libcudart.so.13": cudart("13")}
    expected = [">=580.65.06", *(f">={branch},<{branch + 1}" for branch in ranges)]
    assert older(by_id(DETECTOR, image_view(elves=elves))["cuda.driver-min"]) == expected


@pytest.mark.parametrize("name", ["libcuda.so.590.44.01", "libcuda.so.1", "libcuda.so"])
def test_a_compatibility_library_of_unknown_reach_makes_the_floor_a_note(name: str) -> None:
    elves = {f"/usr/local/cuda/compat/{name}": elf(soname="libcuda.so.1"), CUDART12: cudart()}
    found = by_id(DETECTOR, image_view(elves=elves))
    assert (found["cuda.driver-min"].requirement, found["cuda.driver-min"].severity) == (None, Severity.INFO)
    assert "cuda.forward-compat" in found


def test_the_images_own_range_goes_before_the_floor_where_older_branches_are_made_to_do() -> None:
    found = by_id(DETECTOR, image_view(elves=COMPAT, env=REQUIRE))
    assert found["cuda.driver-min"].requirement is None
    assert found["cuda.driver-min"].facts["cuda.driver.min"] == "525.60.13"
    disabled = by_id(DETECTOR, image_view(elves=COMPAT, env=REQUIRE | {"NVIDIA_DISABLE_REQUIRE": "true"}))
    assert older(disabled["cuda.driver-min"]) == [">=525.60.13", ">=470,<471"]
    without_library = by_id(DETECTOR, image_view(elves={CUDART12: cudart()}, env=REQUIRE))
    assert floor(without_library["cuda.driver-min"]) == (">=525.60.13", "present")


MUSL = {"/lib/ld-musl-x86_64.so.1": elf(soname="libc.musl-x86_64.so.1")}


def test_musl_alone_cannot_load_the_driver() -> None:
    finding = by_id(DETECTOR, image_view(elves=MUSL | {CUDART12: cudart()}))["cuda.no-glibc"]
    assert (finding.confidence, finding.severity, finding.requirement) == (LIKELY, Severity.REQUIRED, None)
    program = MUSL | {"/app": elf("libcuda.so.1")}
    proven = by_id(DETECTOR, image_view(elves=program, reached={"/app": PROVEN}))["cuda.no-glibc"]
    assert proven.confidence is PROVEN
    assert [evidence.path for evidence in proven.evidence] == ["/lib/ld-musl-x86_64.so.1", "/app"]


@pytest.mark.parametrize(
    "other",
    [
        {"/usr/glibc-compat/lib/libc.so.6": elf(soname="libc.so.6")},
        {"/lib/libgcompat.so.0": elf(soname="libgcompat.so.0")},
    ],
)
def test_another_c_library_beside_musl_may_load_it(other: dict[str, ElfFacts]) -> None:
    assert "cuda.no-glibc" not in by_id(DETECTOR, image_view(elves=MUSL | {CUDART12: cudart()} | other))


def test_a_link_by_that_name_to_musl_is_no_glibc() -> None:
    view = image_view(elves=MUSL | {CUDART12: cudart()})
    linked = dict(view.nodes) | {"/lib/libc.so.6": Node(Kind.SYMLINK, 0, target="ld-musl-x86_64.so.1")}
    assert "cuda.no-glibc" in by_id(DETECTOR, dataclasses.replace(view, nodes=linked))


def test_glibc_images_and_images_that_do_not_use_cuda_are_left_alone() -> None:
    assert "cuda.no-glibc" not in by_id(DETECTOR, image_view(elves={CUDART12: cudart()}))
    unused = MUSL | {CUDART12: cudart(), "/app": elf()}
    assert "cuda.no-glibc" not in by_id(DETECTOR, image_view(elves=unused, reached={"/app": PROVEN}))
    assert by_id(DETECTOR, image_view(elves=MUSL)) == {}


UCX = {
    "/site/libucx/lib/ucx/libuct_cuda.so.0": elf("libcuda.so.1", "libnvidia-ml.so.1"),
    "/site/libucx/lib/ucx/libucm_cuda.so.0": elf("libcuda.so.1", "libcudart-256e6409.so.12.9.79"),
    "/site/libucx_cu12.libs/libcudart-256e6409.so.12.9.79": elf(soname="libcudart-256e6409.so.12.9.79"),
}


def test_a_runtime_that_only_middleware_asks_for_is_a_hint() -> None:
    finding = by_id(DETECTOR, image_view(elves=UCX))["cuda.driver-min"]
    assert (finding.confidence, finding.facts["cuda.major"]) == (HINT, 12)
    with_program = UCX | {"/site/app.so": elf("libcudart-256e6409.so.12.9.79")}
    assert by_id(DETECTOR, image_view(elves=with_program))["cuda.driver-min"].confidence is LIKELY


def test_a_program_that_comes_to_cuda_through_mpi_can_do_without_a_gpu() -> None:
    mpi, hwloc = "/lib/libmpi.so.40", "/lib/libhwloc.so.15"
    elves = {"/app": elf("libmpi.so.40"), mpi: elf("libcudart.so.12"), CUDART12: cudart()}
    chains = {"/app": ("/app",), mpi: ("/app", mpi), CUDART12: ("/app", mpi, CUDART12)}
    reached = {path: Reach(PROVEN, chain) for path, chain in chains.items()}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=reached))["cuda.driver-min"]
    assert (finding.confidence, floor(finding)) == (HINT, (">=525.60.13", "present"))
    needs_driver = {"/app": elf("libhwloc.so.15"), hwloc: elf("libnvidia-ml.so.1")}
    reached = {"/app": Reach(PROVEN, ("/app",)), hwloc: Reach(PROVEN, ("/app", hwloc))}
    driver = by_id(DETECTOR, image_view(elves=needs_driver, reached=reached))["cuda.driver"]
    assert (driver.confidence, driver.requirement) == (PROVEN, ModuleRequirement(module=("nvidia",)))


def test_a_program_built_for_several_vendors_leaves_the_requirement_to_them_together() -> None:
    elves = {"/app": elf("libcudart.so.12", "libamdhip64.so.6"), CUDART12: cudart()}
    finding = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN, CUDART12: PROVEN}))["cuda.driver-min"]
    assert (finding.confidence, finding.requirement, finding.severity) == (PROVEN, None, Severity.INFO)
