"""Layers of real files: programs, libraries and Python sources of this machine, in layers of a few MB each."""

from __future__ import annotations

import io
import os
import random
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from isal import igzip

from tests.builders.layers import MEDIA_TYPES, Layer, directory, file, layer, sha256
from tests.builders.programs import cuda_program

GROUPS = (20, 30, 50, 200)
"""Layers of each kind in a fleet of three hundred: bases, runtimes, libraries, programs; an image has one of each."""
SIZE = 3 << 20
"""Bytes of a layer before compression, on average."""
LARGEST = 2 << 20
"""Bytes of a file that is taken."""


def layers(sizes: Sequence[int] = GROUPS, seed: int = 1) -> list[list[Layer]]:
    """Return layers in groups of these sizes; each differs from all others, and all of them hold real files."""
    chance = random.Random(seed)
    files = _files()
    groups = [[_layer(chance, files, f"{group}-{number}") for number in range(size)] for group, size in enumerate(sizes)]  # fmt: skip
    for number in range(len(groups[0])):  # a base says what it is, and a quarter of the programs needs CUDA
        release = f"ID=debian\nVERSION_ID={9 + number % 4}\n".encode()
        if not number % 4:
            groups[0][number] = layer(directory("etc"), file("etc/os-release", release), file("etc/mark", f"{number}".encode()))  # fmt: skip
    for number in range(0, len(groups[-1]), 4):
        groups[-1][number] = cuda_program(mark=str(number))
    return groups


def _layer(chance: random.Random, files: Sequence[Path], mark: str) -> Layer:
    wanted = int(SIZE * chance.uniform(0.3, 1.7))
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        name = tarfile.TarInfo(f"opt/{mark}/mark")
        name.size = len(mark)
        archive.addfile(name, io.BytesIO(mark.encode()))
        while written.tell() < wanted:
            path = chance.choice(files)
            content = path.read_bytes()
            member = tarfile.TarInfo(f"opt/{mark}/{path.name}")
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    raw = written.getvalue()
    return Layer(igzip.compress(raw, 1), sha256(raw), MEDIA_TYPES["gzip"])


def _files() -> list[Path]:
    """Return files of this machine: shared objects, programs and Python modules, in one order."""
    roots = [Path(sysconfig.get_paths()["purelib"]), Path(sys.base_prefix, "lib"), Path("/usr/lib/x86_64-linux-gnu")]
    return sorted({path for root in roots for path in _below(root)})[:20_000]


def _below(root: Path) -> Iterator[Path]:
    for directory_, _, names in os.walk(root):
        for name in names:
            path = Path(directory_, name)
            wanted = (name.endswith(".py") or ".so" in name) and path.is_file() and not path.is_symlink()
            if wanted and 0 < path.stat().st_size <= LARGEST:
                yield path
