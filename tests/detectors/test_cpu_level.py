from collections.abc import Mapping

import pytest

from compatbuild.detectors.cpu_level import DETECTOR, LOADER, NUMPY
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import CpuRequirement
from tests.builders.views import ARM64, by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
UMATH = "/site/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so"
LD = "/usr/lib64/ld-linux-x86-64.so.2"
POLARS = '"+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cmpxchg16b,+avx,+avx2,+fma,+bmi1,+bmi2,+lzcnt,+pclmulqdq,+movbe"'
POLARS_FLAGS = [
    "AVX",
    "AVX2",
    "BMI1",
    "BMI2",
    "CLMUL",
    "CX16",
    "FMA3",
    "LZCNT",
    "MOVBE",
    "POPCNT",
    "SSE3",
    "SSE4",
    "SSE42",
    "SSSE3",
]


def numpy(baseline: str) -> ElfFacts:
    return elf("libm.so.6", markers={NUMPY.id: (baseline,)})


def level(found: dict[str, Finding]) -> tuple[object, Confidence] | None:
    finding = found.get("cpu.level")
    if finding is None:
        return None
    assert isinstance(finding.requirement, CpuRequirement)
    assert finding.facts == {"cpu.level": finding.requirement.cpu}
    return finding.requirement.cpu, finding.confidence


def test_numpys_baseline_is_a_level_and_no_more() -> None:
    found = by_id(DETECTOR, image_view(elves={UMATH: numpy("X86_V2")}, reached={UMATH: LIKELY}))
    assert set(found) == {"cpu.level"}
    assert level(found) == ("x86-64-v2", LIKELY)


def test_numpys_old_baseline_is_flags() -> None:
    found = by_id(DETECTOR, image_view(elves={UMATH: numpy("SSE SSE2 SSE3")}))
    assert found["cpu.flags"].requirement == CpuRequirement(cpu=("SSE3",))
    assert found["cpu.flags"].facts == {"cpu.flags": ["SSE3"]}


def test_flags_of_the_level_are_not_told_twice() -> None:
    other = "/opt/numpy/_multiarray_umath.so"
    found = by_id(DETECTOR, image_view(elves={UMATH: numpy("X86_V2"), other: numpy("SSE SSE2 SSE3 SSE41 AVX")}))
    assert found["cpu.flags"].requirement == CpuRequirement(cpu=("AVX",))


def test_an_arm_baseline_is_no_x86_level() -> None:
    view = image_view(elves={UMATH: elf(machine=ARM64, markers={NUMPY.id: ("NEON ASIMD",)})}, architecture="arm64")
    assert findings(DETECTOR, view) == []


@pytest.mark.parametrize(
    ("setting", "expected"), [("v3", "x86-64-v3"), ("v2", "x86-64-v2"), ("v1", None), ("", None), ("v9", None)]
)
def test_go_refuses_below_its_setting(setting: str, expected: str | None) -> None:
    view = image_view(elves={"/app": elf(go={"GOAMD64": setting, "go": "go1.26"})}, reached={"/app": PROVEN})
    assert level(by_id(DETECTOR, view)) == ((expected, PROVEN) if expected else None)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0b0001, None), (0b0011, "x86-64-v2"), (0b0111, "x86-64-v3"), (0b1000, "x86-64-v4"), (0, None)],
)
def test_the_linkers_note_is_a_refusal_above_the_baseline(bits: int, expected: str | None) -> None:
    view = image_view(elves={"/app": elf(isa_needed=bits)}, reached={"/app": PROVEN})
    assert level(by_id(DETECTOR, view)) == ((expected, PROVEN) if expected else None)


def test_copies_that_the_loader_chooses_at_run_time_need_nothing() -> None:
    view = image_view(elves={"/lib64/glibc-hwcaps/x86-64-v3/libm.so.6": elf(isa_needed=0b111)})
    assert findings(DETECTOR, view) == []


def rhel(release: str, *reached: str, markers: Mapping[str, tuple[str, ...]] | None = None) -> ImageView:
    return image_view(
        elves={"/app": elf("libc.so.6", interpreter="/lib64/ld-linux-x86-64.so.2"), LD: elf(markers=markers or {})},
        files={"/etc/os-release": b""},
        os_release={"ID": "rhel", "VERSION_ID": release},
        reached=dict.fromkeys(reached, PROVEN),
    )


@pytest.mark.parametrize(("release", "expected"), [("9.5", "x86-64-v2"), ("10.0", "x86-64-v3"), ("8.10", None)])
def test_a_distribution_is_built_for_its_level(release: str, expected: str | None) -> None:
    view = rhel(release, "/app", LD)
    assert level(by_id(DETECTOR, view)) == ((expected, LIKELY) if expected else None)


def test_a_loader_that_says_it_refuses_is_proof() -> None:
    view = rhel("9.5", "/app", LD, markers={LOADER.id: ()})
    assert level(by_id(DETECTOR, view)) == ("x86-64-v2", PROVEN)


def test_a_static_program_on_the_same_distribution_needs_nothing_of_it() -> None:
    view = rhel("9.5", "/static")
    found = by_id(DETECTOR, view)
    assert set(found) == {"cpu.level-unused"}
    assert (found["cpu.level-unused"].confidence, found["cpu.level-unused"].facts) == (HINT, {})


def test_the_level_is_that_of_x86_only() -> None:
    view = image_view(os_release={"ID": "rhel", "VERSION_ID": "9.5"}, architecture="arm64")
    assert findings(DETECTOR, view) == []


@pytest.mark.parametrize(
    ("architectures", "expected"),
    [
        ({"x86_64", "noarch"}, "x86-64-v3"),
        ({"x86_64_v2", "noarch"}, "x86-64-v2"),
        (set(), "x86-64-v2"),
        ({"x86_64", "x86_64_v2"}, "x86-64-v2"),
    ],
)
def test_a_rebuild_is_told_by_its_packages(architectures: set[str], expected: str) -> None:
    packages = [Package("rpm", f"p-{a}", "1-1", "/var/lib/rpm/rpmdb.sqlite", a) for a in sorted(architectures)]
    view = image_view(os_release={"ID": "almalinux", "VERSION_ID": "10.1"}, packages=packages)
    assert level(by_id(DETECTOR, view)) == (expected, LIKELY)


def test_a_distribution_of_general_knowledge_is_a_hint() -> None:
    found = by_id(DETECTOR, image_view(os_release={"ID": "amzn", "VERSION_ID": "2023"}))
    assert found["cpu.level-unused"].confidence is HINT


def polars(runtime: str, flags: str) -> dict[str, bytes]:
    return {f"/site/_polars_runtime_{runtime}/build_feature_flags.py": f"BUILD_FEATURE_FLAGS = {flags}\n".encode()}


def test_polars_checks_flags_and_not_a_whole_level() -> None:
    found = by_id(DETECTOR, image_view(files=polars("32", POLARS)))
    assert set(found) == {"cpu.flags"}
    assert found["cpu.flags"].facts == {"cpu.flags": POLARS_FLAGS}
    assert found["cpu.flags"].requirement == CpuRequirement(cpu=tuple(POLARS_FLAGS))
    assert found["cpu.flags"].confidence is LIKELY


def test_of_several_polars_runtimes_the_least_demanding_will_do() -> None:
    files = polars("32", POLARS) | polars("compat", '"+sse3,+sse4.2"')
    assert by_id(DETECTOR, image_view(files=files))["cpu.flags"].facts == {"cpu.flags": ["SSE3", "SSE42"]}


@pytest.mark.parametrize(
    "content", [b"", b'BUILD_FEATURE_FLAGS = ""', b'BUILD_FEATURE_FLAGS = "-avx2,+neon"', b"\xff\xfe"]
)
def test_a_polars_build_without_known_flags_needs_nothing(content: bytes) -> None:
    view = image_view(files={"/site/_polars_runtime_32/build_feature_flags.py": content})
    assert findings(DETECTOR, view) == []


def test_the_highest_level_in_use_stands_and_unused_ones_are_hints() -> None:
    elves = {"/app": elf(go={"GOAMD64": "v2"}), UMATH: numpy("X86_V2"), "/opt/tool": elf(go={"GOAMD64": "v3"})}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN, UMATH: LIKELY}))
    assert level(found) == ("x86-64-v2", PROVEN)
    assert [evidence.path for evidence in found["cpu.level"].evidence] == ["/app"]
    assert found["cpu.level-unused"].confidence is HINT
    assert found["cpu.level-unused"].requirement == CpuRequirement(cpu="x86-64-v3")


def test_an_unused_lower_level_is_not_worth_a_word() -> None:
    elves = {"/app": elf(go={"GOAMD64": "v3"}), "/opt/tool": elf(go={"GOAMD64": "v2"})}
    assert set(by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))) == {"cpu.level"}


def test_plain_images_need_nothing() -> None:
    view = image_view(elves={"/app": elf("libc.so.6", isa_needed=1)}, os_release={"ID": "debian", "VERSION_ID": "12"})
    assert findings(DETECTOR, view) == []
