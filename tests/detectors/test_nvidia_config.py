import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.detectors._nvidia import MAX_ALTERNATIVES, Range, declared
from compatbuild.detectors.nvidia_config import DETECTOR
from compatbuild.errors import SpecError
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import AlternativesRequirement, ComputeRequirement, DriverRequirement
from tests.builders.views import by_id, image_view

CUDA = load().cuda
CUDA_12_4 = (
    "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=470,driver<471 "
    "brand=nvidia,driver>=470,driver<471 brand=tesla,driver>=525,driver<526 brand=unknown,driver>=525,driver<526 "
    "brand=tesla,driver>=535,driver<536 brand=nvidia,driver>=535,driver<536"
)


def env(**variables: str) -> dict[str, Finding]:
    return by_id(DETECTOR, image_view(env=variables))


def test_nvidias_own_string_becomes_alternatives_of_branches() -> None:
    finding = env(NVIDIA_REQUIRE_CUDA=CUDA_12_4)["nvidia.require-cuda"]
    assert finding.requirement == AlternativesRequirement(
        any=tuple(
            (DriverRequirement(driver=driver, when="always"),)
            for driver in (">=550", ">=470,<471", ">=525,<526", ">=535,<536")
        )
    )
    assert (finding.confidence, finding.severity) == (Confidence.PROVEN, Severity.REQUIRED)
    assert any("brand" in evidence.statement for evidence in finding.evidence)


def test_a_single_range_needs_no_alternatives() -> None:
    finding = env(NVIDIA_REQUIRE_DRIVER="driver>=450.80.02")["nvidia.require-driver"]
    assert finding.requirement == DriverRequirement(driver=">=450.80.02", when="always")


def test_driver_and_architecture_together_are_one_branch() -> None:
    finding = env(NVIDIA_REQUIRE_ARCH="arch>=7.0,cuda>=12.0")["nvidia.require-arch"]
    assert finding.requirement == AlternativesRequirement(
        any=((DriverRequirement(driver=">=525", when="always"), ComputeRequirement(compute=">=7.0", when="always")),)
    )


def test_several_variables_are_several_requirements() -> None:
    found = env(NVIDIA_REQUIRE_CUDA="cuda>=12.0", NVIDIA_REQUIRE_GPU="arch>=8.0")
    assert set(found) == {"nvidia.require-cuda", "nvidia.require-gpu"}


def test_jetpack_is_for_another_runtime() -> None:
    assert env(NVIDIA_REQUIRE_JETPACK="csv-mounts=all", NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS="base-only") == {}


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "t"])
def test_the_image_can_switch_its_requirements_off(value: str) -> None:
    found = env(NVIDIA_REQUIRE_CUDA="cuda>=12.4", NVIDIA_DISABLE_REQUIRE=value)
    assert (found["nvidia.require-cuda"].confidence, found["nvidia.require-cuda"].requirement) == (
        Confidence.HINT,
        None,
    )


def test_an_empty_switch_switches_nothing_off() -> None:
    assert env(NVIDIA_REQUIRE_CUDA="cuda>=12.4", NVIDIA_DISABLE_REQUIRE="")["nvidia.require-cuda"].requirement


@pytest.mark.parametrize(
    "text",
    ["", "   ", ",", "brand=tesla", "brand=tesla cuda>=12.4", "colour=green", "cuda>=99.0", "cuda>=99.0 driver>=470"],
)
def test_what_no_host_can_be_asked_for_is_a_note(text: str) -> None:
    finding = env(NVIDIA_REQUIRE_CUDA=text)["nvidia.require-cuda"]
    assert (finding.confidence, finding.requirement) == (Confidence.HINT, None)


@pytest.mark.parametrize("text", ["cuda", "cuda>=", "cuda~12", "driver>=latest", "cuda >= 12.4", "driver>=4.5.6.7"])
def test_what_the_runtime_refuses_is_a_note_too(text: str) -> None:
    finding = env(NVIDIA_REQUIRE_CUDA=text)["nvidia.require-cuda"]
    assert (finding.confidence, finding.requirement) == (Confidence.HINT, None)
    assert "cannot be read" in finding.title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cuda>=12.4", [">=550"]),
        ("cuda>=12", [">=525"]),
        ("cuda>=12.4.1", [">=555"]),
        ("cuda>12.4", [">=555"]),
        ("cuda<12.4", ["<550"]),
        ("cuda<=12.4", ["<555"]),
        ("cuda=12.4", [">=550,<555"]),
        ("cuda!=12.4", ["<550", ">=555"]),
        ("cuda>=11.0,cuda<12.0", [">=450,<525"]),
        ("driver!=470.57.02", ["<470.57.02", ">470.57.02"]),
        ("driver=535.104.05", [">=535.104.05,<=535.104.05"]),
        ("cuda>=12.4,driver>=550", [">=550"]),
        ("colour=green cuda>=12.4", [">=550"]),
        ("colour=green,cuda>=12.4", [">=550"]),
        ("cuda<=13.5", [""]),
        ("cuda>13.5", [""]),
    ],
)
def test_comparisons_in_driver_versions(text: str, expected: list[str]) -> None:
    assert declared(text, CUDA).alternatives == tuple(Range(driver=driver) for driver in expected)


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("cuda>=12.8", Confidence.PROVEN),
        ("cuda>=13.4", Confidence.LIKELY),
        ("cuda>=12.7", Confidence.HINT),
        ("cuda>=12.8 cuda=12.6", Confidence.HINT),
    ],
)
def test_a_translation_is_as_sure_as_the_branch_it_rests_on(text: str, confidence: Confidence) -> None:
    assert declared(text, CUDA).confidence is confidence
    assert env(NVIDIA_REQUIRE_CUDA=text)["nvidia.require-cuda"].confidence is confidence


def test_an_endless_variable_is_not_read() -> None:
    for text in ("driver>=1 " * (MAX_ALTERNATIVES + 1), "x" * 9000, ",".join(["driver!=1"] * 20)):
        with pytest.raises(SpecError):
            declared(text, CUDA)
        finding = env(NVIDIA_REQUIRE_CUDA=text)["nvidia.require-cuda"]
        assert finding.requirement is None
        assert len(finding.evidence[0].statement) < 400


@given(st.text(alphabet="cudarivebn<>=!,. 0123456789", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        meaning = declared(text, CUDA)
    except SpecError:
        return
    assert len(meaning.alternatives) <= MAX_ALTERNATIVES * MAX_ALTERNATIVES


@given(
    st.sampled_from(sorted(CUDA.branches)),
    st.sampled_from([">=", ">", "<", "<=", "=", "!="]),
    st.sampled_from(sorted(CUDA.branches)),
)
def test_a_translated_comparison_agrees_with_the_comparison(asked: str, op: str, running: str) -> None:
    """A driver of the branch that reports ``running`` is allowed just when ``running op asked`` holds."""
    meaning = declared(f"cuda{op}{asked}", CUDA)
    if meaning.ignored:
        return
    ours, theirs = tuple(map(int, running.split("."))), tuple(map(int, asked.split(".")))
    expected = {
        ">=": ours >= theirs,
        ">": ours > theirs,
        "<": ours < theirs,
        "<=": ours <= theirs,
        "=": ours == theirs,
        "!=": ours != theirs,
    }[op]
    branch = CUDA.branches[running].value
    assert any(_allows(one.driver, branch) for one in meaning.alternatives) is expected


def _allows(ranges: str, branch: int) -> bool:
    return all(
        branch >= int(part[2:]) if part.startswith(">=") else branch < int(part[1:]) for part in ranges.split(",")
    )


def test_cuda_version_alone_is_the_legacy_form() -> None:
    finding = env(CUDA_VERSION="12.4.1")["nvidia.cuda-version"]
    assert finding.requirement == DriverRequirement(driver=">=550", when="present")
    assert finding.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    "variables",
    [
        {"CUDA_VERSION": "12.4.1", "NVIDIA_REQUIRE_CUDA": "cuda>=12.0"},
        {"CUDA_VERSION": "12.4.1", "NVIDIA_DISABLE_REQUIRE": "true"},
        {"CUDA_VERSION": "latest"},
        {"CUDA_VERSION": "12"},
        {"CUDA_VERSION": "99.0"},
    ],
)
def test_cuda_version_is_not_read_otherwise(variables: dict[str, str]) -> None:
    assert "nvidia.cuda-version" not in env(**variables)


def test_devices_and_capabilities_are_notes() -> None:
    found = env(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility,graphics")
    assert set(found) == {"nvidia.visible-devices", "nvidia.driver-capabilities"}
    assert all((one.confidence, one.requirement) == (Confidence.HINT, None) for one in found.values())
    assert found["nvidia.driver-capabilities"].title.endswith("graphics")


@pytest.mark.parametrize("devices", ["", "void", "none"])
def test_no_devices_and_plain_compute_are_not_worth_a_note(devices: str) -> None:
    assert env(NVIDIA_VISIBLE_DEVICES=devices, NVIDIA_DRIVER_CAPABILITIES="compute,utility") == {}


def test_an_image_without_these_variables_says_nothing() -> None:
    assert env(PATH="/usr/bin", TOKEN="hunter2") == {}
