"""The ELF files of this machine, read by us and by two others: pyelftools and readelf.

pyelftools works from sections, readelf's ``-n`` decodes notes; the reader under test uses program headers.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment, DynamicTag
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from tests.builders.elf import elf, facts

PLACES = ("/usr/bin", "/usr/sbin", "/usr/lib", sysconfig.get_path("platlib"), f"{sys.base_prefix}/bin")
LARGEST = 64 << 20
LEVELS = {"baseline": 1, "v2": 2, "v3": 4, "v4": 8}


@cache
def elf_files() -> tuple[Path, ...]:
    found = {path for place in PLACES for path in _below(Path(place))}
    return tuple(sorted(found))


def _below(place: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(place):
        for name in names:
            path = Path(directory, name)
            if not (".so" in name or os.access(path, os.X_OK)) or path.is_symlink():
                continue
            if not path.is_file() or path.stat().st_size > LARGEST:
                continue
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def every(count: int) -> list[Path]:
    """Return about this many files, spread over all of them."""
    files = elf_files()
    if not files:
        pytest.skip("this machine has no ELF files")
    return list(files[:: max(1, len(files) // count)])


def test_as_pyelftools_reads_them() -> None:
    compared = 0
    for path in every(150):
        data = path.read_bytes()
        expected = _by_pyelftools(path)
        if expected is not None:
            found = facts(data, Interests(elf=True))
            assert (path, {name: getattr(found, name) for name in expected}) == (path, expected)
            compared += 1
    assert compared > 0


def _by_pyelftools(path: Path) -> dict[str, object] | None:
    """Return the facts that pyelftools has; None where it gives up, as it does on detached debug files."""
    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
            segments = list(elf.iter_segments())
            dynamic = [s for s in segments if isinstance(s, DynamicSegment) and s["p_filesz"]]
            tags = list(dynamic[0].iter_tags()) if dynamic else []
            versions = [s for s in elf.iter_sections() if isinstance(s, GNUVerNeedSection)]
            return {
                "bits": elf.elfclass,
                "needed": _values(tags, "needed"),
                "soname": next(iter(_values(tags, "soname")), ""),
                "rpath": _paths(_values(tags, "rpath")),
                "runpath": _paths(_values(tags, "runpath")),
                "interpreter": next((s.get_interp_name() for s in segments if isinstance(s, InterpSegment)), ""),
                "load_align": min((s["p_align"] for s in segments if s["p_type"] == "PT_LOAD"), default=0),
                "sections": tuple(s.name for s in elf.iter_sections() if s.name),
                "versions": {
                    need.name: tuple(aux.name for aux in auxiliaries)
                    for section in versions
                    for need, auxiliaries in section.iter_versions()
                },
            }
        except (ELFError, AttributeError, ValueError):
            return None


def _values(tags: Iterable[DynamicTag], kind: str) -> tuple[str, ...]:
    return tuple(getattr(tag, kind) for tag in tags if tag.entry.d_tag == f"DT_{kind.upper()}")


def _paths(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for value in values for path in value.split(":") if path)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_as_pyelftools_reads_what_this_machine_has_not(bits: int, order: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(
        elf(bits=bits, order=order, machine=22, needed=["liba.so", "libb.so"], soname="libc.so", rpath="/x", align=4096)
    )
    expected = _by_pyelftools(path)
    assert expected is not None
    found = facts(path.read_bytes())
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.needed == ("liba.so", "libb.so")


def test_as_readelf_reads_them() -> None:
    readelf = shutil.which("readelf")
    if readelf is None:
        (pytest.fail if os.environ.get("COMPATBUILD_REQUIRE_PEERS") == "1" else pytest.skip)("there is no readelf")
    for path in every(60):
        command = [readelf, "--wide", "--dynamic", "--notes", str(path)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace").stdout
        found = facts(path.read_bytes(), Interests(elf=True))
        assert (path, *_told(found)) == (path, *_shown(shown))


def _told(found: ElfFacts) -> tuple[object, ...]:
    return list(found.needed), found.soname, found.isa_needed, found.abi_kernel


def _shown(text: str) -> tuple[object, ...]:
    soname = re.search(r"\(SONAME\)\s+Library soname: \[(.*)\]", text)
    isa = re.findall(r"x86 ISA needed: (.*)", text)
    levels = {level.strip().removeprefix("x86-64-") for line in isa for level in line.split(",")}
    kernel = re.search(r"OS: Linux, ABI: ([\d.]+)", text)
    return (
        re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", text),
        soname[1] if soname else "",
        sum(LEVELS[level] for level in levels),
        kernel[1] if kernel else "",
    )


def _built(directory: Path, *options: str, suffix: str = "") -> Path:
    """Compile a program that does nothing."""
    compiler = shutil.which("gcc")
    if compiler is None:
        (pytest.fail if os.environ.get("COMPATBUILD_REQUIRE_PEERS") == "1" else pytest.skip)("there is no gcc")
    source, program = directory / "hello.c", directory / f"hello{suffix}"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run([str(compiler), *options, "-o", str(program), str(source)], check=True)
    return program


def test_the_levels_that_a_linker_notes(tmp_path: Path) -> None:
    """-march alone leaves no trace; -z x86-64-v3 does."""
    if "x86_64" not in sysconfig.get_platform():
        pytest.skip("levels are of x86-64")
    assert facts(_built(tmp_path, "-march=x86-64-v3").read_bytes()).isa_needed <= 1
    assert facts(_built(tmp_path, "-Wl,-z,x86-64-v3").read_bytes()).isa_needed & LEVELS["v3"]


def test_a_program_and_its_debug_file(tmp_path: Path) -> None:
    program = _built(tmp_path, "-g", "-Wl,-rpath,/opt/lib,--enable-new-dtags")
    debug = tmp_path / "hello.debug"
    subprocess.run(["objcopy", "--only-keep-debug", str(program), str(debug)], check=True)
    whole, detached = facts(program.read_bytes()), facts(debug.read_bytes())
    assert (whole.runpath, whole.needed, whole.damaged) == (("/opt/lib",), ("libc.so.6",), "")
    assert (detached.runpath, detached.needed, detached.interpreter, detached.damaged) == ((), (), "", "")
    assert ".debug_info" in detached.sections
