"""CPU flags that every host of an operating system has: those of its architecture, and those its own packages need."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compatbuild.knowledge import load
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.rows import Grade
from compatbuild.nfd.encodings import LEVEL_FLAGS

OCI_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
BASELINE = {
    "amd64": ("CMOV", "CMPXCHG8", "FXSR", "FXSROPT", "MMX", "SSE", "SSE2", "SYSCALL", "X86_64_V1", "X87"),
    "arm64": ("ASIMD", "FP"),
}
"""CPU flags that every processor of an architecture has, by NFD's names (x86-64 psABI level 1, Armv8-A)."""


@dataclass(frozen=True, slots=True)
class Processors:
    """What is known of the processors that an operating system runs on: flags by NFD's names, and why."""

    flags: frozenset[str]
    source: str


def processors(os_release: Mapping[str, str], architecture: str) -> Processors:
    """Say what every processor has on which an operating system runs; ``architecture`` is that of ``uname -m``.

    A distribution whose packages are compiled for x86-64-v2 does not start on less, so its hosts have that level. Where
    it comes in builds for several levels the lowest counts; what is only believed of it does not.
    """
    oci = OCI_ARCHITECTURES.get(architecture, "")
    release, needs = next(_needs(os_release, oci, load().cpu), ("", frozenset[str]()))
    source = "every CPU of the architecture"
    if needs:
        source += f", and what {release} is built for"
    return Processors(frozenset(BASELINE.get(oci, ())) | needs, source)


def _needs(os_release: Mapping[str, str], architecture: str, cpu: Cpu) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield a release as rows name it and the flags it needs, the exact release first."""
    for name in _releases(os_release):
        level = cpu.distributions.get(name)
        if architecture == "amd64" and level is not None and level.grade is not Grade.BELIEVED:
            rebuilds = cpu.rebuilds.get(name)
            yield name, _level(min([level.value, *(rebuilds.value.values() if rebuilds else ())]))
        flags = cpu.distribution_flags.get(f"{name}/{architecture}")
        if flags is not None and flags.grade is not Grade.BELIEVED:
            yield name, frozenset(flags.value)


def _releases(os_release: Mapping[str, str]) -> Iterator[str]:
    """Yield a release as rows name it: whole, then by its first number; RHCOS names its RHEL beside its own version."""
    name, version = os_release.get("ID", ""), os_release.get("VERSION_ID", "")
    if "RHEL_VERSION" in os_release:
        name, version = "rhel", os_release["RHEL_VERSION"]
    yield f"{name}:{version}"
    yield f"{name}:{version.partition('.')[0]}"


def _level(name: str) -> frozenset[str]:
    """Return the flags of a level of x86-64, with the names that NFD gives to it and to those below."""
    levels = [one for one in LEVEL_FLAGS if one <= name]
    return frozenset((*LEVEL_FLAGS[name], *(f"X86_64_V{one[-1]}" for one in levels)))
