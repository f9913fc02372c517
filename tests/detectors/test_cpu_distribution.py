"""Distributions that are compiled for later processors, and loaders that refuse others."""

from collections.abc import Mapping

import pytest

from compatbuild.detectors._cpu.distribution import LOADER, REFUSALS
from compatbuild.detectors.cpu_level import DETECTOR
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import CpuRequirement
from tests.builders.views import ARM64, by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
LD = "/usr/lib64/ld-linux-x86-64.so.2"
MACHINES = {"arm64": ARM64, "ppc64le": 21, "s390x": 22}


def level(found: dict[str, Finding]) -> tuple[object, Confidence] | None:
    finding = found.get("cpu.level")
    if finding is None:
        return None
    assert isinstance(finding.requirement, CpuRequirement)
    return finding.requirement.cpu, finding.confidence


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
    view = rhel("9.5", "/app", LD, markers={LOADER: ("",)})
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


def test_a_loader_that_names_its_level_counts_before_packages_and_tables() -> None:
    elves = {LD: elf(markers={LOADER: ("2",)})}
    packages = [Package("rpm", "bash", "5-1", "/var/lib/rpm/rpmdb.sqlite", "x86_64")]
    os_release = {"ID": "almalinux", "VERSION_ID": "10.1"}
    view = image_view(elves=elves, packages=packages, os_release=os_release, reached={LD: PROVEN})
    assert level(by_id(DETECTOR, view)) == ("x86-64-v2", PROVEN)


def test_a_refusal_needs_no_os_release() -> None:
    view = image_view(elves={LD: elf(markers={LOADER: ("3",)})}, reached={LD: PROVEN})
    assert level(by_id(DETECTOR, view)) == ("x86-64-v3", PROVEN)


def test_a_refusal_that_names_no_level_says_nothing_alone() -> None:
    assert findings(DETECTOR, image_view(elves={LD: elf(markers={LOADER: ("",)})}, reached={LD: PROVEN})) == []


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("sles", "16.0", "x86-64-v2"),
        ("sles", "15.6", None),
        ("opensuse-leap", "16.0", "x86-64-v2"),
        ("amzn", "2023", "x86-64-v2"),
        ("amzn", "2", None),
        ("ol", "10.0", "x86-64-v3"),
        ("centos", "9", "x86-64-v2"),
        ("debian", "13", None),
        ("ubuntu", "26.04", None),
        ("fedora", "43", None),
        ("alpine", "3.22.1", None),
        ("arch", "", None),
    ],
)
def test_distributions(name: str, version: str, expected: str | None) -> None:
    view = image_view(elves={"/app": elf("libc.so.6")}, os_release={"ID": name, "VERSION_ID": version})
    assert level(by_id(DETECTOR, view)) == ((expected, LIKELY) if expected else None)


def other(architecture: str, name: str, version: str) -> ImageView:
    program = elf("libc.so.6", machine=MACHINES[architecture])
    return image_view(
        elves={"/app": program}, os_release={"ID": name, "VERSION_ID": version}, architecture=architecture
    )


@pytest.mark.parametrize(
    ("architecture", "name", "version", "flags"),
    [
        ("s390x", "rhel", "9.5", ["VXE"]),
        ("ppc64le", "rocky", "9.5", ["ARCH_3_00"]),
        ("s390x", "ubuntu", "24.04", ["VX"]),
        ("s390x", "ubuntu", "26.04", ["VXE2"]),
        ("ppc64le", "ubuntu", "22.04", ["ARCH_3_00"]),
        ("arm64", "amzn", "2023", ["AES", "ASIMDRDM", "ATOMICS", "CRC32", "PMULL", "SHA1", "SHA2"]),
        ("arm64", "rhel", "9.5", None),
        ("arm64", "ubuntu", "24.04", None),
        ("ppc64le", "ubuntu", "20.04", None),
    ],
)
def test_other_architectures(architecture: str, name: str, version: str, flags: list[str] | None) -> None:
    found = by_id(DETECTOR, other(architecture, name, version))
    assert (found["cpu.flags"].facts["cpu.flags"] if found else None) == flags
    assert {finding.confidence for finding in found.values()} <= {LIKELY}


def test_what_is_of_general_knowledge_is_a_hint() -> None:
    found = by_id(DETECTOR, other("ppc64le", "rhel", "10.0"))
    assert set(found) == {"cpu.flags-unused"}
    assert found["cpu.flags-unused"].confidence is HINT


@pytest.mark.parametrize(("marker", "flag"), [(marker.id, flag) for marker, flag in REFUSALS.items()])
def test_refusals_of_other_loaders(marker: str, flag: str) -> None:
    architecture = "ppc64le" if flag.startswith("ARCH") else "s390x"
    loader = elf(machine=MACHINES[architecture], markers={marker: ()})
    found = by_id(DETECTOR, image_view(elves={"/lib/ld64.so": loader}, architecture=architecture))
    assert found["cpu.flags"].facts == {"cpu.flags": [flag]}
