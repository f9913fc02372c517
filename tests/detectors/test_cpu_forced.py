"""OPENBLAS_CORETYPE: dispatch that an image decides for the host."""

import pytest

from compatbuild.detectors._cpu.forced import READS_IT
from compatbuild.detectors.cpu_level import DETECTOR
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from tests.builders.views import ARM64, by_id, elf, findings, image_view

OPENBLAS = "/site/numpy.libs/libscipy_openblas64_-32a4b2a6.so"
AVX512 = ["AVX512BW", "AVX512CD", "AVX512DQ", "AVX512F", "AVX512VL"]


def view(value: str, *, machine: int = 62, architecture: str = "amd64", obeys: bool = True) -> ImageView:
    library = elf(machine=machine, markers={READS_IT: ()} if obeys else {})
    return image_view(elves={OPENBLAS: library}, env={"OPENBLAS_CORETYPE": value}, architecture=architecture)


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        ("Haswell", ["AVX2", "FMA3"]),
        ("HASWELL", ["AVX2", "FMA3"]),
        ("Zen", ["AVX2", "FMA3"]),
        ("Sandybridge", ["AVX"]),
        ("SkylakeX", AVX512),
        ("Cooperlake", AVX512),
    ],
)
def test_a_core_is_a_need(value: str, flags: list[str]) -> None:
    found = by_id(DETECTOR, view(value))["cpu.flags"]
    assert (found.facts, found.confidence) == ({"cpu.flags": flags}, Confidence.LIKELY)
    assert {evidence.path for evidence in found.evidence} == {"config.Env", OPENBLAS}


@pytest.mark.parametrize("value", ["", "Prescott", "Core2", "Haswell2", "generic", "NEOVERSEV1", "../etc/passwd"])
def test_an_old_or_unknown_core_is_none(value: str) -> None:
    assert findings(DETECTOR, view(value)) == []


def test_a_core_that_is_only_believed_to_matter_is_a_hint() -> None:
    assert set(by_id(DETECTOR, view("SapphireRapids"))) == {"cpu.flags-unused"}


def test_without_a_library_that_obeys_the_variable_says_nothing() -> None:
    assert findings(DETECTOR, view("Haswell", obeys=False)) == []
    assert findings(DETECTOR, image_view(env={"OPENBLAS_CORETYPE": "Haswell"})) == []


def test_without_the_variable_the_library_chooses() -> None:
    assert findings(DETECTOR, image_view(elves={OPENBLAS: elf(markers={READS_IT: ()})})) == []


def test_cores_of_arm() -> None:
    found = by_id(DETECTOR, view("neoversev1", machine=ARM64, architecture="arm64"))
    assert found["cpu.flags"].facts == {"cpu.flags": ["SVE"]}
    assert findings(DETECTOR, view("neoversen1", machine=ARM64, architecture="arm64")) == []


def test_a_library_that_the_program_does_not_use_makes_a_hint() -> None:
    elves = {OPENBLAS: elf(markers={READS_IT: ()}), "/app": elf()}
    unused = image_view(elves=elves, env={"OPENBLAS_CORETYPE": "Haswell"}, reached={"/app": Confidence.PROVEN})
    assert set(by_id(DETECTOR, unused)) == {"cpu.flags-unused"}
