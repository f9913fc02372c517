"""Packages that need later processors: polars, wheels of duckdb and TensorFlow, MongoDB."""

from typing import Any

import pytest

from compatbuild.detectors.cpu_level import DETECTOR
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence
from compatbuild.model.requirement import CpuRequirement
from tests.builders.views import ARM64, by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
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
MANYLINUX = b"""Wheel-Version: 1.0
Generator: scikit-build-core 1.1.1
Root-Is-Purelib: false
Tag: cp311-cp311-manylinux_2_27_x86_64
Tag: cp311-cp311-manylinux_2_28_x86_64
"""


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


def test_polars_had_one_runtime_once() -> None:
    content = b'_POLARS_ARCH = "x86-64"\n_POLARS_FEATURE_FLAGS = "+sse3,+avx2"\n_POLARS_LTS_CPU = False\n'
    found = by_id(DETECTOR, image_view(files={"/site/polars/_cpu_check.py": content}))
    assert found["cpu.flags"].facts == {"cpu.flags": ["AVX2", "SSE3"]}


def test_a_polars_for_arm_needs_nothing_of_x86() -> None:
    assert findings(DETECTOR, image_view(files=polars("32", POLARS), architecture="arm64")) == []


def wheel(name: str, version: str, text: bytes = MANYLINUX, **settings: Any) -> ImageView:
    return image_view(files={f"/usr/lib/python3.11/site-packages/{name}-{version}.dist-info/WHEEL": text}, **settings)


@pytest.mark.parametrize(
    ("name", "version", "flags"),
    [
        ("duckdb", "2.0.0", ["AVX2", "BMI2"]),
        ("duckdb", "2.1.0rc1", ["AVX2", "BMI2"]),
        ("duckdb", "1.5.6", None),
        ("duckdb_engine", "2.0.0", None),
        ("tensorflow", "2.21.0", ["AVX"]),
        ("tensorflow", "1.15.5", ["AVX"]),
        ("tensorflow", "1.5.1", None),
        ("tensorflow_cpu", "2.21.0", ["AVX"]),
        ("tf_nightly", "2.22.0.dev20261101", ["AVX"]),
        ("tensorflow_estimator", "2.15.0", None),
    ],
)
def test_wheels_by_name_and_version(name: str, version: str, flags: list[str] | None) -> None:
    found = by_id(DETECTOR, wheel(name, version))
    assert (found["cpu.flags"].facts["cpu.flags"] if found else None) == flags
    assert {finding.confidence for finding in found.values()} <= {LIKELY}


@pytest.mark.parametrize(
    "text",
    [
        b"Tag: cp311-cp311-linux_x86_64\n",
        b"Tag: cp311-cp311-manylinux_2_28_aarch64\n",
        b"Generator: manylinux_2_28_x86_64\n",
        b"",
        b"\xff\xfe",
    ],
)
def test_a_wheel_that_is_not_the_indexs_own_says_nothing(text: bytes) -> None:
    assert findings(DETECTOR, wheel("tensorflow", "2.21.0", text)) == []


def test_a_wheel_for_x86_in_an_image_for_arm_says_nothing() -> None:
    assert findings(DETECTOR, wheel("tensorflow", "2.21.0", architecture="arm64")) == []


def test_a_wheel_that_the_program_does_not_import_is_a_hint() -> None:
    path = "/site/duckdb-2.0.0.dist-info/WHEEL"
    view = image_view(elves={"/app": elf()}, files={path: MANYLINUX}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)["cpu.flags-unused"]
    assert (found.confidence, found.requirement) == (HINT, CpuRequirement(cpu=("AVX2", "BMI2")))


@pytest.mark.parametrize(
    ("package", "flags"),
    [
        (deb("mongodb-org-server", "8.0.4"), ["AVX"]),
        (deb("mongodb-org-server", "5.0.0~rc1"), ["AVX"]),
        (deb("mongodb-org-server", "4.4.29"), None),
        (Package("rpm", "percona-server-mongodb-server", "7.0.5-3.el9", "/var/lib/rpm/rpmdb.sqlite"), ["AVX"]),
        (deb("mongodb-mongosh", "2.3.0"), None),
        (deb("mongodb-server-core", "1:3.6.9"), None),
    ],
)
def test_mongodb_needs_avx(package: Package, flags: list[str] | None) -> None:
    found = by_id(DETECTOR, image_view(packages=[package]))
    assert (found["cpu.flags"].facts["cpu.flags"] if found else None) == flags


def test_mongodb_on_arm_needs_armv8_2() -> None:
    mongod = elf("libc.so.6", machine=ARM64)
    view = image_view(
        elves={"/usr/bin/mongod": mongod},
        packages=[deb("mongodb-org-server", "8.0.4", "arm64")],
        reached={"/usr/bin/mongod": PROVEN},
        architecture="arm64",
    )
    found = by_id(DETECTOR, view)["cpu.flags"]
    assert (found.facts, found.confidence) == ({"cpu.flags": ["ASIMDRDM", "ATOMICS", "CRC32"]}, LIKELY)
    assert [evidence.path for evidence in found.evidence] == ["/usr/bin/mongod"]


def test_a_mongodb_beside_another_program_is_a_hint() -> None:
    elves = {"/usr/bin/mongod": elf(), "/app": elf()}
    view = image_view(elves=elves, packages=[deb("mongodb-org-server", "8.0.4")], reached={"/app": PROVEN})
    assert set(by_id(DETECTOR, view)) == {"cpu.flags-unused"}
