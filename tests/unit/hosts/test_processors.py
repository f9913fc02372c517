from __future__ import annotations

import pytest

from compatbuild.checking.evaluate import Judge
from compatbuild.checking.verdicts import Verdict
from compatbuild.hosts.catalogue import profiles
from compatbuild.hosts.processors import BASELINE, processors
from compatbuild.nfd.encodings import LEVEL_FLAGS
from tests.unit.checking.building import rule, spec, term

COMPATIBLE, DEPENDS = Verdict.COMPATIBLE, Verdict.DEPENDS


def verdict(profile: str, architecture: str, *flags: str) -> Verdict:
    (host,) = profiles(profile, architecture=architecture)
    asked = spec(rule(term("cpu.cpuid", **dict.fromkeys(flags, ("Exists",)))))
    return Judge(host).judge(asked).verdict


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        ("rhel-8.10", {"v2": DEPENDS, "v3": DEPENDS}),
        ("rhel-9.4", {"v2": COMPATIBLE, "v3": DEPENDS}),
        ("rhel-10.0", {"v2": COMPATIBLE, "v3": COMPATIBLE, "v4": DEPENDS}),
        ("rhcos-4.12", {"v2": DEPENDS}),
        ("rhcos-4.18", {"v2": COMPATIBLE, "v3": DEPENDS}),
        ("rhcos-4.21", {"v2": COMPATIBLE}),
        ("rhcos-5.0", {"v2": DEPENDS}),  # which RHEL it is, is not known
        ("almalinux-10.1", {"v2": COMPATIBLE, "v3": DEPENDS}),  # there is a rebuild for v2
        ("amazonlinux-2-kernel5.10", {"v2": DEPENDS}),
        ("amazonlinux-2023-kernel6.1", {"v2": COMPATIBLE, "v3": DEPENDS}),
        ("ubuntu-24.04", {"v2": DEPENDS}),
    ],
)
def test_a_host_has_the_level_that_its_own_packages_need(profile: str, found: dict[str, Verdict]) -> None:
    for name, expected in found.items():
        assert verdict(profile, "x86_64", *LEVEL_FLAGS[f"x86-64-{name}"]) is expected, name
        assert verdict(profile, "x86_64", f"X86_64_{name.upper()}") is expected, name


def test_other_architectures_have_what_their_builds_need() -> None:
    assert verdict("amazonlinux-2023-kernel6.1", "aarch64", "ATOMICS") is COMPATIBLE
    assert verdict("ubuntu-24.04", "aarch64", "ATOMICS") is DEPENDS
    assert verdict("rhel-9.4", "aarch64", "ASIMD") is COMPATIBLE


def test_the_source_says_what_it_rests_on() -> None:
    assert processors({"ID": "rhel", "VERSION_ID": "9.4"}, "x86_64").source.endswith("what rhel:9 is built for")
    plain = processors({"ID": "debian", "VERSION_ID": "12"}, "x86_64")
    assert (plain.flags, plain.source) == (frozenset(BASELINE["amd64"]), "every CPU of the architecture")
    assert processors({}, "riscv64").flags == frozenset()


def test_what_is_only_believed_of_a_release_says_nothing_of_its_hosts() -> None:
    assert "ARCH_3_00" in processors({"ID": "rhel", "VERSION_ID": "9.4"}, "ppc64le").flags
    assert "ARCH_3_00" not in processors({"ID": "rhel", "VERSION_ID": "10.0"}, "ppc64le").flags
