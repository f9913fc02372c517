import re

import pytest

from compatbuild.detectors._cpu.distribution import REFUSALS
from compatbuild.detectors._cpu.programs import ARROW, NUMPY
from compatbuild.detectors.cpu_level import DETECTOR
from compatbuild.image.elf import ElfFacts
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import CpuRequirement
from compatbuild.nfd.catalogue import catalogue
from tests.builders.views import ARM64, by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
UMATH = "/site/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so"


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


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ("-msse4.2 ", {"cpu.flags": ["POPCNT", "SSE3", "SSE4", "SSE42", "SSSE3"]}),
        ("-march=haswell -mavx2 ", {"cpu.level": "x86-64-v3"}),
        ("-mno-outline-atomics", {}),
        ("", {}),
    ],
)
def test_arrow_names_the_options_it_was_compiled_with(options: str, needs: dict[str, object]) -> None:
    library = "/site/pyarrow/libarrow.so.2600"
    marked = elf("libm.so.6", markers={ARROW.id: (options,)})
    found = by_id(DETECTOR, image_view(elves={library: marked}, reached={library: PROVEN}))
    assert {name: finding.facts[name] for name, finding in found.items()} == needs
    assert {finding.confidence for finding in found.values()} <= {LIKELY}
    unused = by_id(DETECTOR, image_view(elves={library: marked}, reached={"/app": PROVEN}))
    assert {finding.confidence for finding in unused.values()} <= {HINT}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (b"-Wall -fno-semantic-interposition -msse4.2 \0-march=haswell", b"-msse4.2 "),
        (b"-Wall -fno-semantic-interposition -march=haswell -mavx2", b"-march=haswell -mavx2"),
    ],
)
def test_arrows_options_are_read_from_its_library(text: bytes, options: bytes) -> None:
    match = re.search(ARROW.pattern, text)
    assert match is not None
    assert match[1] == options
    assert ARROW.needle in text


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


@pytest.mark.parametrize(
    "directory", ["/lib64/glibc-hwcaps/x86-64-v3", "/usr/lib64/haswell", "/usr/lib64/haswell/avx512_1"]
)
def test_copies_that_the_loader_chooses_at_run_time_need_nothing(directory: str) -> None:
    view = image_view(elves={f"{directory}/libm.so.6": elf(isa_needed=0b111)})
    assert findings(DETECTOR, view) == []


@pytest.mark.parametrize(
    ("setting", "flags"),
    [
        ("v8.0", None),
        ("v8.0,crypto", None),
        ("v8.0,lse", ["ATOMICS"]),
        ("v8.0,lse,crypto", ["ATOMICS"]),
        ("v8.1", ["ATOMICS"]),
        ("v9.0", ["ATOMICS"]),
        ("v9.5,crypto", ["ATOMICS"]),
        ("v10.0", None),
        ("lse", None),
    ],
)
def test_go_needs_lse_from_arm_8_1_on(setting: str, flags: list[str] | None) -> None:
    program = elf(machine=ARM64, go={"GOARM64": setting, "go": "go1.26.8"})
    found = by_id(DETECTOR, image_view(elves={"/app": program}, reached={"/app": PROVEN}, architecture="arm64"))
    assert (found["cpu.flags"].facts["cpu.flags"] if found else None) == flags
    assert {finding.confidence for finding in found.values()} <= {PROVEN}


@pytest.mark.parametrize(
    ("setting", "flags"), [("power8", []), ("power9", ["ARCH_3_00"]), ("power10", ["ARCH_3_00", "ARCH_3_1"])]
)
def test_go_on_power(setting: str, flags: list[str]) -> None:
    program = elf(machine=21, go={"GOPPC64": setting})
    found = findings(DETECTOR, image_view(elves={"/app": program}, architecture="ppc64le"))
    assert [finding.facts["cpu.flags"] for finding in found] == ([flags] if flags else [])


def test_programs_for_another_machine_ask_nothing_of_this_one() -> None:
    elves = {"/opt/agent": elf(go={"GOAMD64": "v3"}), "/opt/other": elf(isa_needed=0b1111)}
    assert findings(DETECTOR, image_view(elves=elves, architecture="arm64")) == []


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


def test_an_unused_flag_that_the_level_in_use_implies_is_not_worth_a_word() -> None:
    elves = {"/app": elf(go={"GOAMD64": "v3"}), UMATH: numpy("SSE SSE2 AVX AVX512F")}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))
    assert found["cpu.flags-unused"].requirement == CpuRequirement(cpu=("AVX512F",))


def test_dispatch_is_no_requirement() -> None:
    elves = {
        "/site/numpy.libs/libscipy_openblas64_-32a4b2a6.so": elf(markers={"cpu.openblas-coretype": ()}),
        "/opt/intel/libmkl_avx512.so.2": elf(),
        "/usr/lib/libdnnl.so.3": elf(),
    }
    view = image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN), env={"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"})
    assert findings(DETECTOR, view) == []


def test_every_flag_that_is_known_here_is_one_of_nfds() -> None:
    cpu = load().cpu
    published = catalogue().features["cpu.cpuid"]
    needs = [
        *(row.value for row in cpu.levels.values()),
        *(row.value for row in cpu.distribution_flags.values()),
        *(row.value for row in cpu.go_settings.values()),
        *(row.value.needs for row in cpu.wheels.values()),
        *(flags for row in cpu.servers.values() for flags in row.value.needs.values()),
        *(row.value for row in cpu.spack_targets.values()),
        *(row.value for row in cpu.openblas_cores.values()),
        tuple(
            row.value for table in (cpu.numpy_features, cpu.rust_features, cpu.spack_features) for row in table.values()
        ),
        tuple(REFUSALS.values()),
    ]
    named = {name for group in needs for name in group} - cpu.levels.keys()
    assert len(named) > 40
    assert {name for name in named if published.element(name) is None} == set()
