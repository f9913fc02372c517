import pytest

from compatbuild.detectors.architecture import DETECTOR
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import ArchitectureRequirement, ConfigRequirement, FacilityRequirement
from tests.builders.views import AMD64, ARM64, by_id, elf, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
I386 = 3


def test_the_program_proves_the_architecture_the_config_states() -> None:
    view = image_view(elves={"/app": elf(), "/lib/liba.so": elf()}, reached={"/app": PROVEN, "/lib/liba.so": PROVEN})
    found = by_id(DETECTOR, view)
    assert set(found) == {"cpu.architecture"}
    finding = found["cpu.architecture"]
    assert finding.confidence is PROVEN
    assert finding.requirement == ArchitectureRequirement(architecture="amd64")
    assert finding.facts == {"cpu.architecture": "amd64"}
    assert {evidence.path for evidence in finding.evidence} == {"/app", "/lib/liba.so"}


def test_an_image_of_libraries_alone_is_still_of_its_architecture() -> None:
    finding = by_id(DETECTOR, image_view(elves={"/lib/liba.so": elf()}))["cpu.architecture"]
    assert finding.confidence is LIKELY


def test_an_image_without_machine_code_runs_anywhere() -> None:
    finding = by_id(DETECTOR, image_view(files={"/app.py": b""}))["cpu.architecture"]
    assert finding.confidence is HINT
    assert finding.evidence[0].path == "config.architecture"


def test_a_directory_has_no_config_but_its_programs_have_a_machine() -> None:
    view = image_view(elves={"/bin/sh": elf(machine=ARM64, load_align=65536)}, architecture="")
    assert set(by_id(DETECTOR, view)) == {"cpu.architecture"}
    assert by_id(DETECTOR, view)["cpu.architecture"].requirement == ArchitectureRequirement(architecture="arm64")


def test_a_program_of_another_machine_than_the_config_states_is_reported() -> None:
    view = image_view(elves={"/app": elf(machine=ARM64)}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)
    assert found["cpu.architecture"].requirement == ArchitectureRequirement(architecture="arm64")
    mismatch = found["cpu.architecture-mismatch"]
    assert (mismatch.confidence, mismatch.severity, mismatch.requirement) == (HINT, Severity.RECOMMENDED, None)
    assert {evidence.path for evidence in mismatch.evidence} == {"config.architecture", "/app"}


def test_foreign_files_beside_the_program_are_no_mismatch() -> None:
    view = image_view(elves={"/app": elf(), "/firmware": elf(machine=ARM64)}, reached={"/app": PROVEN})
    assert set(by_id(DETECTOR, view)) == {"cpu.architecture"}


def test_an_architecture_no_requirement_can_name_is_a_fact_only() -> None:
    view = image_view(elves={"/app": elf(machine=243)}, reached={"/app": PROVEN}, architecture="riscv64")
    finding = by_id(DETECTOR, view)["cpu.architecture"]
    assert finding.requirement is None
    assert finding.facts == {"cpu.architecture": "riscv64"}


def test_a_reached_32_bit_program_needs_a_kernel_that_runs_it() -> None:
    view = image_view(elves={"/app": elf(machine=I386, bits=32)}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)
    assert found["kernel.compat-ia32-emulation"].requirement == FacilityRequirement(facility=("IA32_EMULATION",))
    assert found["kernel.compat-ia32-emulation"].confidence is PROVEN
    assert found["cpu.architecture"].requirement == ArchitectureRequirement(architecture="amd64")
    assert "cpu.architecture-mismatch" not in found


@pytest.mark.parametrize(
    ("machine", "architecture", "identity", "option"),
    [
        (62, "amd64", "kernel.compat-x86-x32-abi", "X86_X32_ABI"),
        (40, "arm64", "kernel.compat", "COMPAT"),
    ],
)
def test_other_32_bit_programs_have_options_of_their_own(
    machine: int, architecture: str, identity: str, option: str
) -> None:
    program = {"/app": elf(machine=machine, bits=32)}
    view = image_view(elves=program, reached={"/app": PROVEN}, architecture=architecture)
    assert by_id(DETECTOR, view)[identity].requirement == FacilityRequirement(facility=(option,))
    other = image_view(elves=program, reached={"/app": PROVEN}, architecture="s390x")
    assert identity not in by_id(DETECTOR, other)


def test_a_32_bit_image_needs_no_64_bit_kernel() -> None:
    view = image_view(elves={"/app": elf(machine=3, bits=32)}, reached={"/app": PROVEN}, architecture="386")
    assert set(by_id(DETECTOR, view)) == {"cpu.architecture"}


def test_a_32_bit_library_lying_about_needs_nothing() -> None:
    elves = {"/app": elf(), "/lib32/liba.so": elf(machine=I386, bits=32)}
    assert set(by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))) == {"cpu.architecture"}
    assert set(by_id(DETECTOR, image_view(elves=elves))) == {"cpu.architecture"}


def test_arm64_segments_aligned_to_4k_rule_out_larger_pages() -> None:
    elves = {
        "/app": elf(machine=ARM64, load_align=0x10000),
        "/lib/libjemalloc.so": elf(machine=ARM64, load_align=0x1000),
    }
    view = image_view(elves=elves, reached={"/app": PROVEN, "/lib/libjemalloc.so": PROVEN}, architecture="arm64")
    finding = by_id(DETECTOR, view)["cpu.page-size"]
    assert finding.requirement == ConfigRequirement(config={"ARM64_16K_PAGES": (), "ARM64_64K_PAGES": ()})
    assert finding.facts == {"cpu.page-size.max": 4096}
    assert finding.confidence is PROVEN
    assert [evidence.path for evidence in finding.evidence] == ["/lib/libjemalloc.so"]


def test_a_library_that_is_only_likely_loaded_makes_its_page_size_likely() -> None:
    elves = {"/app": elf(machine=ARM64, load_align=0x10000), "/lib/ext.so": elf(machine=ARM64, load_align=0x4000)}
    view = image_view(elves=elves, reached={"/app": PROVEN, "/lib/ext.so": LIKELY}, architecture="arm64")
    finding = by_id(DETECTOR, view)["cpu.page-size"]
    assert finding.confidence is LIKELY
    assert finding.requirement == ConfigRequirement(config={"ARM64_64K_PAGES": ()})


def test_arm64_programs_aligned_to_64k_run_on_every_page_size() -> None:
    view = image_view(
        elves={"/app": elf(machine=ARM64, load_align=0x200000)}, reached={"/app": PROVEN}, architecture="arm64"
    )
    finding = by_id(DETECTOR, view)["cpu.page-size"]
    assert (finding.requirement, finding.facts) == (None, {"cpu.page-size.max": 65536})


def test_page_size_says_nothing_of_unreached_files_of_amd64_or_of_odd_alignments() -> None:
    four = {"load_align": 0x1000}
    unreached = {"/app": elf(machine=ARM64, load_align=0), "/lib/liba.so": elf(machine=ARM64, **four)}
    for view in (
        image_view(elves=unreached, reached={"/app": PROVEN}, architecture="arm64"),
        image_view(elves={"/app": elf(machine=AMD64, **four)}, reached={"/app": PROVEN}),
        image_view(elves={"/app": elf(machine=ARM64, load_align=5000)}, reached={"/app": PROVEN}, architecture="arm64"),
    ):
        assert "cpu.page-size" not in by_id(DETECTOR, view)
