"""Judges that know nothing of this project: readelf, ``go version -m`` and NVIDIA's cuobjdump.

What our readers say of each ELF file of an image is held against what these say of the same file.
"""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

from compatbuild.image.elf import ElfFacts
from tests.builders.wheels import fetched
from tests.ground_truth.images import Inferred

CUOBJDUMP = (
    "nvidia_cuda_cuobjdump-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "38780fee50863252a0b8926357faa91615ca1c8346490563f33a06100cd73f58",
)
MEMBER = re.compile(r"nvidia/[^/]+/bin/cuobjdump")
LEVELS = {"x86-64-baseline": 0, "x86-64-v2": 1, "x86-64-v3": 2, "x86-64-v4": 3}
LINKED = ".nv_fatbin"
"""The section of device code that runs as it stands, the only one that cuobjdump lists."""

MAX_FILES = 400
"""ELF files of one image that readelf is asked about."""


@dataclass(frozen=True)
class Tally:
    """How many files a judge looked at, and the paths about which it disagrees, each with both opinions.

    ``unread`` are files that our reader says it could not read, where the judge could.
    """

    judge: str
    files: int
    disagreements: tuple[str, ...]
    unread: tuple[str, ...] = ()


def tallies(image: Inferred) -> Iterator[Tally]:
    """Ask every judge that this machine has about an image."""
    elves = [(path, elf, image.root / path.lstrip("/")) for path, elf in sorted(image.view.elves.items())]
    if shutil.which("readelf"):
        seen = elves[:MAX_FILES]
        whole = _tally("readelf", [_readelf(*one) for one in seen if not one[1].damaged])
        parts = _tally("readelf", [_readelf(*one) for one in seen if one[1].damaged])
        yield Tally("readelf", whole.files + parts.files, whole.disagreements, parts.disagreements)
    if shutil.which("go"):
        yield _tally("go version -m", [_go(*one) for one in elves if one[1].go.get("GOARCH")])
    with_code = [one for one in elves if any(code.section == LINKED for code in one[1].device_code)]
    if with_code and (program := cuobjdump()):
        yield _tally("cuobjdump", [_cuobjdump(program, *one) for one in with_code])


def _tally(judge: str, opinions: list[str | None]) -> Tally:
    """Count the opinions: None where the judge has none, empty where it agrees."""
    given = [opinion for opinion in opinions if opinion is not None]
    return Tally(judge, len(given), tuple(opinion for opinion in given if opinion))


def _readelf(path: str, elf: ElfFacts, file: Path) -> str | None:
    """Compare needed libraries, soname and the ISA note."""
    text = _output("readelf", "--wide", "--dynamic", "--notes", str(file))
    if text is None:
        return None
    noted = {name for line in re.findall(r"x86 ISA needed: (.*)", text) for name in LEVELS if name in line}
    theirs = (
        re.findall(r"\(NEEDED\).*\[(.*)\]", text),
        re.findall(r"\(SONAME\).*\[(.*)\]", text),
        sum(1 << LEVELS[name] for name in noted),
    )
    ours = (list(elf.needed), [elf.soname] if elf.soname else [], elf.isa_needed)
    return "" if theirs == ours else f"{path}: {ours} against {theirs}"


def _go(path: str, elf: ElfFacts, file: Path) -> str | None:
    """Compare the settings of a Go program."""
    text = _output("go", "version", "-m", str(file))
    if text is None:
        return None
    told = dict(re.findall(r"\tbuild\t(GO[A-Z0-9]+)=(\S+)", text))
    ours = {key: value for key, value in elf.go.items() if key in told}
    return "" if told == ours else f"{path}: {ours} against {told}"


def _cuobjdump(program: Path, path: str, elf: ElfFacts, file: Path) -> str | None:
    """Compare the targets of linked device code; the listing leaves out the suffix ``f``.

    It gives up on some files that CUDA loads (bitsandbytes for CUDA 12.1), and lists nothing where there is no PTX.
    """
    listed = {
        "sass": _output(str(program), "--list-elf", str(file)),
        "ptx": _output(str(program), "--list-ptx", str(file)),
    }
    if None in listed.values():
        return None
    theirs = {kind: set(re.findall(r"\.sm_(\d+a?)\.(?:cubin|ptx)", text or "")) for kind, text in listed.items()}
    linked = [code for code in elf.device_code if code.section == LINKED]
    ours = {kind: {c.target.removesuffix("f") for c in linked if c.kind == kind} for kind in theirs}
    return "" if theirs == ours else f"{path}: {ours} against {theirs}"


@cache
def cuobjdump() -> Path | None:
    """Return NVIDIA's cuobjdump from its wheel, None where it cannot be had."""
    wheel = fetched(*CUOBJDUMP)
    if isinstance(wheel, str):
        return None
    program = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "bin" / "cuobjdump"
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if MEMBER.fullmatch(name))
            program.write_bytes(archive.read(name))
        program.chmod(0o755)
    return program


def _output(*command: str) -> str | None:
    """Return what a judge prints, None when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout if done.returncode == 0 else None
