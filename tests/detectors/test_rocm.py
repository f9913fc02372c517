import pytest

from compatbuild.detectors.rocm import DETECTOR
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import Package, Reach
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import ModuleRequirement, PciRequirement
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
HIP6, HIP7 = "/opt/rocm-6.3.1/lib/libamdhip64.so.6.3.60301", "/opt/rocm-7.0.0/lib/libamdhip64.so.7.0.70000"
SITE = "/usr/lib/python3/site-packages"
JAX = ("gfx900", "gfx906", "gfx908", "gfx90a", "gfx940", "gfx941", "gfx942", "gfx1030", "gfx1100", "gfx1200", "gfx1201")


def runtime(major: int = 6) -> ElfFacts:
    return elf("libhsa-runtime64.so.1", soname=f"libamdhip64.so.{major}")


@pytest.mark.parametrize(
    ("soname", "major"),
    [
        ("libamdhip64.so.5", 5),
        ("libamdhip64.so.6", 6),
        ("libamdhip64.so.7", 7),
        ("libhipblas.so.2", 6),
        ("libhipblas.so.3", 7),
        ("librocblas.so.4", 6),
        ("libhipsparse-0a1b2c3d.so.4.0.70000", 7),
    ],
)
@pytest.mark.parametrize("needed", [True, False])
def test_the_major_by_the_sonames_of_libraries(soname: str, major: int, *, needed: bool) -> None:
    file = elf(soname) if needed else elf(soname=soname)
    finding = by_id(DETECTOR, image_view(elves={"/site/plugin.so": file}))["rocm.gpu"]
    assert finding.facts == {"gpu.vendors": ["amd"], "accelerator.pci": ["1002"], "rocm.major": major}
    assert (finding.confidence, finding.requirement, finding.severity) == (LIKELY, None, Severity.INFO)
    assert finding.title == f"An AMD GPU for ROCm {major} where one is used"


@pytest.mark.parametrize("soname", ["libhsa-runtime64.so.1"])
def test_some_sonames_say_rocm_and_no_version(soname: str) -> None:
    finding = by_id(DETECTOR, image_view(elves={"/app": elf(soname)}))["rocm.gpu"]
    assert "rocm.major" not in finding.facts
    assert finding.title == "An AMD GPU for ROCm where one is used"


@pytest.mark.parametrize("soname", ["libMIOpen.so.1", "librccl.so.1", "libamdhip64.so.8", "libdrm_amdgpu.so.1"])
def test_other_sonames_say_nothing(soname: str) -> None:
    assert findings(DETECTOR, image_view(elves={"/app": elf(soname)})) == []


def test_a_program_that_is_linked_with_rocm_needs_an_amd_gpu() -> None:
    elves = {"/app": elf("libamdhip64.so.6"), HIP6: runtime()}
    found = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    gpu, driver = found["rocm.gpu"], found["rocm.driver"]
    assert gpu.requirement == PciRequirement(pci=("1002",), classes=("03", "12"))
    assert driver.requirement == ModuleRequirement(module=("amdgpu",))
    assert driver.facts == {"kernel.modules": ["amdgpu"]}
    assert (gpu.confidence, driver.confidence, gpu.title) == (LIKELY, LIKELY, "An AMD GPU for ROCm 6")
    assert "/app" in {evidence.path for evidence in gpu.evidence}


@pytest.mark.parametrize("confidence", [LIKELY, None])
def test_a_plug_in_of_an_interpreter_does_not(confidence: Confidence | None) -> None:
    plugin = f"{SITE}/torch/lib/libtorch_hip.so"
    reached = {"/usr/bin/python3": PROVEN} | ({plugin: confidence} if confidence else {})
    elves = {"/usr/bin/python3": elf(), plugin: elf("libamdhip64.so.6")}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=reached))["rocm.gpu"]
    assert (finding.confidence, finding.requirement) == (confidence or HINT, None)


UCX = {
    "/lib/ucx/libuct_rocm.so.0.0.0": elf("libhsa-runtime64.so.1"),
    "/lib/ucx/libucx_perftest_rocm.so.0": elf("libamdhip64.so.6"),
}


def test_transports_of_middleware_are_no_use_of_a_gpu() -> None:
    """As Debian's libucx0 has them; the runtime comes along as a dependency."""
    assert findings(DETECTOR, image_view(elves=UCX)) == []
    libraries = {"/lib/libhsa-runtime64.so.1": elf(soname="libhsa-runtime64.so.1"), "/lib/libamdhip64.so.6": runtime()}
    assert findings(DETECTOR, image_view(elves=UCX | libraries)) == []


def test_a_program_that_comes_to_rocm_through_mpi_can_do_without_a_gpu() -> None:
    mpi = "/lib/libmpi.so.40"
    elves = {"/app": elf("libmpi.so.40"), mpi: elf("libamdhip64.so.6"), HIP6: runtime()}
    chains = {"/app": ("/app",), mpi: ("/app", mpi), HIP6: ("/app", mpi, HIP6)}
    reached = {path: Reach(PROVEN, chain) for path, chain in chains.items()}
    assert "rocm.gpu" not in by_id(DETECTOR, image_view(elves=elves, reached=reached))


def test_the_targets_of_hip_code_as_measured_in_jax() -> None:
    elves = {
        f"{SITE}/jax_rocm60_plugin/_blas.so": elf("libhipblas.so.2", hip=JAX),
        f"{SITE}/jax_rocm60_plugin/_prng.so": elf(hip=JAX),
        f"{SITE}/jax_rocm60_plugin/rocm_plugin_extension.so": elf("libamdhip64.so.6", "libhsa-runtime64.so.1"),
    }
    found = by_id(DETECTOR, image_view(elves=elves))
    assert found["rocm.code"].facts == {"rocm.targets": list(JAX), "gpu.vendors": ["amd"]}
    assert (found["rocm.code"].confidence, found["rocm.code"].requirement) == (LIKELY, None)
    assert found["rocm.gpu"].facts["rocm.major"] == 6


def test_features_and_generic_targets_are_kept() -> None:
    hip = ("gfx90a:sramecc+:xnack-", "gfx942:xnack+", "gfx9-4-generic", "amdgcnspirv")
    finding = by_id(DETECTOR, image_view(elves={"/app": elf(hip=hip)}))["rocm.code"]
    assert finding.facts["rocm.targets"] == ["gfx90a:sramecc+:xnack-", "gfx942:xnack+", "amdgcnspirv", "gfx9-4-generic"]


def test_used_code_goes_before_unused_and_the_images_own_before_rocms() -> None:
    elves = {
        "/app": elf("libamdhip64.so.6", hip=("gfx90a",)),
        "/opt/rocm/lib/librocblas.so.4.3": elf("libamdhip64.so.6", soname="librocblas.so.4", hip=("gfx906", "gfx90a")),
        "/opt/other": elf("libamdhip64.so.6", hip=("gfx803",)),
    }
    reached = {"/app": PROVEN, "/opt/rocm/lib/librocblas.so.4.3": PROVEN}
    assert by_id(DETECTOR, image_view(elves=elves, reached=reached))["rocm.code"].facts["rocm.targets"] == ["gfx90a"]
    alone = {path: file for path, file in elves.items() if "rocblas" in path}
    assert by_id(DETECTOR, image_view(elves=alone))["rocm.code"].facts["rocm.targets"] == ["gfx906", "gfx90a"]
    unused = by_id(DETECTOR, image_view(elves=elves | {"/m": elf()}, reached={"/m": PROVEN}))["rocm.code"]
    assert (unused.confidence, unused.facts["rocm.targets"]) == (HINT, ["gfx803", "gfx90a"])


def test_kernels_that_drive_recent_targets() -> None:
    view = image_view(elves={"/app": elf(hip=("gfx906", "gfx90a", "gfx942", "gfx950:xnack+"))})
    finding = by_id(DETECTOR, view)["rocm.kernel"]
    assert finding.title.endswith(
        ": gfx90a after 5.10 (by 6.1); gfx942 after 6.1 (by 6.12); gfx950 after 6.12 (by 7.2)"
    )
    assert (finding.confidence, finding.requirement) == (HINT, None)
    assert "rocm.kernel" not in by_id(DETECTOR, image_view(elves={"/app": elf(hip=("gfx906", "gfx9999"))}))


@pytest.mark.parametrize(
    ("files", "packages", "elves", "release"),
    [
        ({"/opt/rocm-6.3.1/.info/version": b"6.3.1-48\n"}, [], {}, "6.3"),
        ({"/opt/rocm/.info/version": b"7.1.1"}, [], {}, "7.1"),
        ({}, [deb("rocm-core", "6.4.4.60404-129~24.04")], {}, "6.4"),
        ({}, [deb("rocm-core7.1.1", "7.1.1.70101-38~24.04")], {}, "7.1"),
        ({}, [Package("pypi", "torch", "2.7.1+rocm6.3", f"{SITE}/torch-2.7.1+rocm6.3.dist-info/METADATA")], {}, "6.3"),
        ({}, [], {"/opt/rocm-6.2.4/lib/libfoo.so": elf()}, "6.2"),
    ],
)
def test_the_release_by_what_states_it(
    files: dict[str, bytes], packages: list[Package], elves: dict[str, ElfFacts], release: str
) -> None:
    finding = by_id(DETECTOR, image_view(files=files, packages=packages, elves=elves))["rocm.release"]
    assert finding.facts == {"rocm.version": release}
    assert finding.requirement is None
    assert finding.title.startswith(f"Built with ROCm {release}")


def test_the_kernel_drivers_that_amd_tests_a_release_with() -> None:
    files = {"/opt/rocm/.info/version": b"6.3.3-74"}
    title = by_id(DETECTOR, image_view(files=files))["rocm.release"].title
    assert title == ("Built with ROCm 6.3, which AMD tests with its kernel drivers 6.1, 6.2, 6.3, 6.4, 30.10, 30.30")
    unknown = by_id(DETECTOR, image_view(files={"/opt/rocm/.info/version": b"9.9.9"}))["rocm.release"].title
    assert unknown == "Built with ROCm 9.9"


@pytest.mark.parametrize("content", [b"", b"latest", b"\xff\xfe", b"6"])
def test_a_version_that_is_none(content: bytes) -> None:
    assert findings(DETECTOR, image_view(files={"/opt/rocm/.info/version": content})) == []


def test_variants_for_several_releases_and_vendors_are_hints() -> None:
    elves = {
        "/site/bnb/lib_cuda129.so": elf("libcudart.so.12"),
        "/site/bnb/lib_rocm64.so": elf("libhipblas.so.2", hip=("gfx90a",)),
        "/site/bnb/lib_rocm72.so": elf("libhipblas.so.3", hip=("gfx90a", "gfx950")),
    }
    found = by_id(DETECTOR, image_view(elves=elves))
    assert (found["rocm.gpu"].confidence, found["rocm.code"].confidence) == (HINT, HINT)
    assert found["rocm.gpu"].title == "An AMD GPU for ROCm 6, 7 where one is used"
    chosen = by_id(DETECTOR, image_view(elves=elves | {HIP7: runtime(7)}))
    assert (chosen["rocm.gpu"].confidence, chosen["rocm.gpu"].facts["rocm.major"]) == (LIKELY, 7)
    assert chosen["rocm.code"].facts["rocm.targets"] == ["gfx90a", "gfx950"]


def test_a_program_built_for_several_vendors_leaves_the_requirement_to_them_together() -> None:
    elves = {"/app": elf("libamdhip64.so.6", "libcudart.so.12")}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))
    assert (found["rocm.gpu"].requirement, "rocm.driver" in found) == (None, False)


def test_a_plain_program_says_nothing() -> None:
    assert findings(DETECTOR, image_view(elves={"/app": elf("libc.so.6")}, reached={"/app": PROVEN})) == []
