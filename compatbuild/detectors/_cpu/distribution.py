"""Distributions that are compiled for later processors, and their loaders, which refuse to work on others."""

import posixpath
from collections.abc import Iterator, Mapping

from compatbuild.detectors._cpu.claims import Claim, claims_of, native
from compatbuild.detectors._sonames import needed, own_name
from compatbuild.detectors._uses import Use, strongest, weakest
from compatbuild.detectors.distribution import RELEASE_FILES
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.rows import Grade, Row
from compatbuild.model.finding import Confidence

Files = list[tuple[str, ElfFacts]]
LOADER = "cpu.loader-message"
_X86_LOADERS = tuple(
    Marker(LOADER, b"CPU does not support x86-64-v", glob, rb"x86-64-v([234]?)")
    for glob in ("/**/ld-linux-x86-64.so.2", "/**/libc.so.6")
)
"""The refusal of Red Hat's glibc; Debian 12's has none. The level may be filled in only when it is printed."""

REFUSALS = {
    Marker("cpu.loader-power9", b"CPU lacks ISA 3.00 support", "/**/ld64.so.2"): "ARCH_3_00",
    Marker("cpu.loader-power10", b"CPU lacks ISA 3.10 support", "/**/ld64.so.2"): "ARCH_3_1",
    Marker("cpu.loader-z14", b"CPU lacks VXE support", "/**/ld64.so.1"): "VXE",
    Marker("cpu.loader-z15", b"CPU lacks VXRS_EXT2 support", "/**/ld64.so.1"): "VXE2",
    Marker("cpu.loader-z16", b"CPU lacks VXRS_PDE2 support", "/**/ld64.so.1"): "VXP2",
}
"""glibc's own refusals elsewhere (bminor/glibc@04e750e75b73, sysdeps/*/dl-hwcap-check.h)."""

LOADERS = frozenset({"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld64.so.1", "ld64.so.2", "libc.so.6"})
INTERESTS = Interests(markers=(*_X86_LOADERS, *REFUSALS), elf=True, packages=True, config=("architecture",))


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the loader refuses, and what the distribution's packages are compiled for."""
    files = list(native(view))
    named = {path: level for path, elf in files if (level := _named(elf)) in cpu.levels}
    yield from _refused(view, files, named)
    yield from _levels(view, files, min(named.values(), default=""), cpu)
    yield from _flags(view, files, cpu)


def _named(elf: ElfFacts) -> str:
    """Return the level that a loader's refusal names, as rows name it."""
    return f"x86-64-v{''.join(elf.markers.get(LOADER, ()))}"


def _refused(view: DetectorView, files: Files, named: Mapping[str, str]) -> Iterator[Claim]:
    """Yield what the refusals in the image's loaders name; ``named`` are those that name a level."""
    for path, elf in files:
        found = [flag for marker, flag in REFUSALS.items() if marker.id in elf.markers]
        for what in (*found, *([named[path]] if path in named else [])):
            said = view.at(path, f"The loader refuses a CPU without {what}")
            yield Claim(what, Use(view.confidence(path, Grade.RUN.ceiling), said))


def _levels(view: DetectorView, files: Files, told: str, cpu: Cpu) -> Iterator[Claim]:
    """Yield the level of x86-64 by os-release; ``told`` is the one that a loader names, and counts before it."""
    key = _release(view, major=True)
    row = cpu.distributions.get(key)
    if row is None or view.config("architecture") not in ("amd64", ""):
        return
    level = told or _rebuild(view, key, cpu) or row.value
    refuses = any(LOADER in elf.markers for _, elf in files)
    yield Claim(level, _use(view, files, row, key, level, proven=refuses))


def _flags(view: DetectorView, files: Files, cpu: Cpu) -> Iterator[Claim]:
    """Yield the flags of other architectures, by the whole version or by its first number."""
    architecture = view.config("architecture")
    keys = (_release(view, major=False), _release(view, major=True))
    row = next((r for key in keys if (r := cpu.distribution_flags.get(f"{key}/{architecture}"))), None)
    if row is not None:
        use = _use(view, files, row, keys[0], ", ".join(row.value), proven=False)
        yield from claims_of(row.value, use)


def _release(view: DetectorView, *, major: bool) -> str:
    """Return the distribution as rows name it: ``rhel:9``, or ``rhel:9.5`` with the whole version."""
    version = view.os_release.get("VERSION_ID", "")
    return f"{view.os_release.get('ID', '')}:{version.partition('.')[0] if major else version}"


def _use(view: DetectorView, files: Files, row: Row[object], key: str, needs: str, *, proven: bool) -> Use:
    """Say how sure it is that the distribution's C library is in use; without its refusal it is likely at most."""
    ceiling = weakest(row.grade.ceiling, Confidence.PROVEN if proven else Confidence.LIKELY)
    release = next((file for file in RELEASE_FILES if view.exists(file)), RELEASE_FILES[0])
    users = [path for path, elf in files if _loads_glibc(path, elf)]
    confidence = strongest(view.confidence(path, ceiling) for path in [release, *users])
    return Use(confidence, view.at(release, f"All programs of {key} are built for {needs}", "ID"))


def _loads_glibc(path: str, elf: ElfFacts) -> bool:
    return not LOADERS.isdisjoint((own_name(path, elf), posixpath.basename(elf.interpreter), *needed(elf)))


def _rebuild(view: DetectorView, key: str, cpu: Cpu) -> str:
    """Return the lowest level that the architectures of installed packages tell of; empty if they tell nothing."""
    row = cpu.rebuilds.get(key)
    if row is None:
        return ""
    seen = {package.architecture for package in view.packages(ecosystem="rpm")} & row.value.keys()
    return min((row.value[name] for name in seen or row.value), default="")
