"""What programs and libraries say of the CPU they are for: NumPy, Arrow, Go, and what the loader refuses."""

import re
from collections.abc import Iterator

from compatbuild.detectors._cpu.claims import Claim, claims_of, native
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.model.finding import Confidence

NUMPY = Marker(
    "cpu.numpy-baseline",
    b"NumPy was built with baseline optimizations:",
    "/**/_multiarray_umath*.so",
    rb"baseline optimizations:\s{0,4}\(([A-Z0-9_ ]{1,300})\)",
)
"""The text of NumPy's import error; what it dispatches to at run time is listed elsewhere (numpy 2.4.6)."""

ARROW = Marker(
    "cpu.arrow-options",
    b" -fno-semantic-interposition -m",
    "/**/libarrow.so*",
    rb" -fno-semantic-interposition ((?:-m[a-z0-9.=-]{1,40} ?){1,16})",
)
"""Options that Arrow C++ was compiled with, which arrow::GetBuildInfo tells (pyarrow 26.0.1)."""

NOTE_LEVELS = {1: "x86-64-v2", 2: "x86-64-v3", 3: "x86-64-v4"}
"""Bits of GNU_PROPERTY_X86_ISA_1_NEEDED above the baseline (x86-64 psABI, program property)."""

CHOSEN_AT_RUN_TIME = re.compile(r"/(?:glibc-hwcaps|haswell|xeon_phi|avx512_1)/")
"""Where the loader looks for copies that suit the CPU; the plain names are those of glibc up to 2.36 (its NEWS)."""

GO_SETTINGS = ("GOAMD64", "GOARM64", "GOPPC64")
_ARM64 = re.compile(r"v([89])\.(\d)((?:,[a-z]+)*)")
"""Values of GOARM64 (Go, internal/buildcfg/cfg.go); LSE is mandatory from v8.1 on."""

INTERESTS = Interests(markers=(NUMPY, ARROW), elf=True, go=True, config=("architecture",))


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what each file for the image's architecture checks, or is compiled for."""
    for path, elf in native(view):
        yield from _numpy(view, path, elf, cpu)
        yield from _arrow(view, path, elf, cpu)
        yield from _go(view, path, elf, cpu)
        yield from _note(view, path, elf, cpu)


def _numpy(view: DetectorView, path: str, elf: ElfFacts, cpu: Cpu) -> Iterator[Claim]:
    for name in elf.markers.get(NUMPY.id, ("",))[0].split():
        if row := cpu.numpy_features.get(name):
            use = Use(view.confidence(path, row.grade.ceiling), view.at(path, f"NumPy's baseline has {name}"))
            yield Claim(row.value, use)


def _arrow(view: DetectorView, path: str, elf: ElfFacts, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the compiler was allowed to use anywhere: likely, as not every option comes to an instruction."""
    for option in elf.markers.get(ARROW.id, ("",))[0].split():
        if row := cpu.arrow_flags.get(option):
            ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
            told = view.at(path, f"Arrow was compiled with {option}")
            yield from claims_of(row.value, Use(view.confidence(path, ceiling), told))


def _go(view: DetectorView, path: str, elf: ElfFacts, cpu: Cpu) -> Iterator[Claim]:
    for name in GO_SETTINGS:
        value = elf.go.get(name, "")
        if row := cpu.go_settings.get(f"{name}={_meaning(name, value)}"):
            told = view.at(path, f"Go compiled the program with {name}={value}", "buildinfo")
            yield from claims_of(row.value, Use(view.confidence(path, row.grade.ceiling), told))


def _meaning(name: str, value: str) -> str:
    """Return a setting as rows name it: of an Arm version only whether it includes LSE counts."""
    if name != "GOARM64":
        return value
    match = _ARM64.fullmatch(value)
    lse = match is not None and ((match[1], match[2]) > ("8", "0") or "lse" in match[3].split(","))
    return "lse" if lse else ""


def _note(view: DetectorView, path: str, elf: ElfFacts, cpu: Cpu) -> Iterator[Claim]:
    asked = [level for bit, level in NOTE_LEVELS.items() if elf.isa_needed >> bit & 1]
    if asked and not CHOSEN_AT_RUN_TIME.search(path):
        told = view.at(path, f"The loader is told to refuse CPUs below {asked[-1]}", ".note.gnu.property")
        yield Claim(asked[-1], Use(view.confidence(path, cpu.levels[asked[-1]].grade.ceiling), told))
