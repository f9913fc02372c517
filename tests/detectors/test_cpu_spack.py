"""Targets of Spack, as its installations record them."""

import json
from typing import Any

import pytest

from compatbuild.detectors.cpu_level import DETECTOR
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from compatbuild.model.requirement import CpuRequirement
from tests.builders.views import ARM64, by_id, elf, findings, image_view

PREFIX = "/opt/spack/linux-zen3/hdf5-1.14.6-abcdef"
LIBRARY = f"{PREFIX}/lib/libhdf5.so.310"
ZEN3 = {
    "name": "zen3",
    "vendor": "AuthenticAMD",
    "features": ["abm", "aes", "avx", "avx2", "bmi1", "bmi2", "clzero", "fma", "movbe", "popcnt", "sse4_2", "vaes"],
    "generation": 0,
    "parents": ["zen2"],
}


def spec(target: Any, *more: Any) -> bytes:
    nodes = [{"name": "hdf5", "version": "1.14.6", "arch": {"platform": "linux", "target": t}} for t in (target, *more)]
    return json.dumps({"spec": {"_meta": {"version": 5}, "nodes": nodes}}).encode()


def installed(content: bytes, *, machine: int = 62, **settings: Any) -> ImageView:
    return image_view(
        elves={LIBRARY: elf("libc.so.6", machine=machine)}, files={f"{PREFIX}/.spack/spec.json": content}, **settings
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("x86_64_v3", "x86-64-v3"),
        ("x86_64_v4", "x86-64-v4"),
        (ZEN3, "x86-64-v3"),
        ({"name": "haswell", "features": []}, "x86-64-v3"),
        ({"name": "nehalem"}, "x86-64-v2"),
    ],
)
def test_a_target_is_a_level(target: Any, expected: str) -> None:
    found = by_id(DETECTOR, installed(spec(target)))
    assert set(found) == {"cpu.level"}
    assert found["cpu.level"].requirement == CpuRequirement(cpu=expected)
    assert found["cpu.level"].confidence is Confidence.LIKELY


@pytest.mark.parametrize("target", ["x86_64", "cannon", "x86_64_v9", "", 7, None, ["zen3"], {"name": 3}, {}])
def test_a_generic_or_unknown_target_is_none(target: Any) -> None:
    assert findings(DETECTOR, installed(spec(target))) == []


def test_beyond_the_level_only_what_compilers_use_on_their_own_counts() -> None:
    features = [*ZEN3["features"], "avx512f", "avx512_vnni", "sha_ni", "gfni"]  # type: ignore[misc]  # a list by construction
    found = by_id(DETECTOR, installed(spec({"name": "icelake", "features": features})))
    assert found["cpu.level"].facts == {"cpu.level": "x86-64-v4"}
    assert found["cpu.flags"].facts == {"cpu.flags": ["AVX512VNNI"]}


def test_a_processor_that_is_not_known_by_name_is_told_by_its_features() -> None:
    found = by_id(DETECTOR, installed(spec({"name": "zen9", "features": ["avx2", "fma", "aes"]})))
    assert found["cpu.flags"].facts == {"cpu.flags": ["AVX2", "FMA3"]}


@pytest.mark.parametrize(
    ("target", "flags"),
    [
        ("armv8.1a", ["ASIMDRDM", "ATOMICS"]),
        ({"name": "neoverse_v1", "features": ["fp", "asimd", "atomics", "sve", "sha3"]}, ["ATOMICS", "SVE"]),
        ("aarch64", None),
    ],
)
def test_targets_of_arm(target: Any, flags: list[str] | None) -> None:
    found = by_id(DETECTOR, installed(spec(target), machine=ARM64, architecture="arm64"))
    assert (found["cpu.flags"].facts["cpu.flags"] if found else None) == flags


def test_only_the_packages_own_node_counts() -> None:
    assert findings(DETECTOR, installed(spec("x86_64", ZEN3))) == []


def test_a_specification_that_is_cut_behind_its_first_node_is_read() -> None:
    content = spec(ZEN3, *[ZEN3] * 50)
    assert set(by_id(DETECTOR, installed(content[: len(content) // 2]))) == {"cpu.level"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"spec": {"nodes": []}}',
        b'{"spec": {"nodes": [{"arch": []}]}}',
        b'{"spec": {"nodes": [{"arch": {"target": {"name": "zen3"',
        b'{"nodes": [' + b'{"a":' * 60_000,
        b'{"nodes": [{"arch": {"target": {"name": "zen3\n", "features": 1}}}]}',
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_says_nothing(content: bytes) -> None:
    assert findings(DETECTOR, installed(content)) == []


def test_a_package_without_programs_says_nothing() -> None:
    view = image_view(elves={"/usr/bin/app": elf()}, files={f"{PREFIX}/.spack/spec.json": spec(ZEN3)})
    assert findings(DETECTOR, view) == []


def test_a_package_that_the_program_does_not_use_is_a_hint() -> None:
    content = {f"{PREFIX}/.spack/spec.json": spec(ZEN3)}
    elves = {LIBRARY: elf(), "/app": elf()}
    unused = by_id(DETECTOR, image_view(elves=elves, files=content, reached={"/app": Confidence.PROVEN}))
    assert set(unused) == {"cpu.level-unused"}
    used = by_id(DETECTOR, image_view(elves=elves, files=content, reached=dict.fromkeys(elves, Confidence.PROVEN)))
    assert used["cpu.level"].confidence is Confidence.LIKELY
