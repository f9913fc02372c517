"""The images of the corpus: what lies in each layer, lowest first."""

import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.downloads import debs, wheel
from demo import assemble
from demo.tree import Directory, File, Link, Tree, file
from demo.wheels import Environment, installed
from tests.builders.elf import elf
from tests.builders.rpm import header, rpmdb

STATUS = "/var/lib/dpkg/status"
RELEASE = {"/etc/os-release": File(b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')}
ENVIRONMENT = Environment("/opt/venv", "3.11")
CUDA = ("numpy", "nvidia_cuda_runtime_cu12", "jax_cuda12_plugin", "mpich", "mpi4py")
MB = 1_000_000
DEMO = "demo"

Layers = Callable[[], Iterator[Tree]]


@dataclass(frozen=True)
class Image:
    """An image of the corpus. ``large`` ones are made and measured only when all are asked for."""

    name: str
    about: str
    layers: Layers
    large: bool = False
    packing: str = "gzip"
    config: dict[str, Any] = field(default_factory=lambda: {"Entrypoint": ["python3", "/app/main.py"]})


def distribution() -> Iterator[Tree]:
    """Yield what Debian's packages install, and record them as dpkg does."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        root, paragraphs = Path(directory), []
        for package in debs():
            subprocess.run(["dpkg-deb", "--extract", package, root], check=True, capture_output=True)
            control = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True).stdout
            paragraphs.append(control.rstrip(b"\n") + b"\nStatus: install ok installed\n")
        yield {**RELEASE, **_tree(root), STATUS: File(b"\n".join(paragraphs))}


def python() -> Iterator[Tree]:
    """Yield a distribution with NumPy and pandas on it, a layer each, and a program."""
    yield from distribution()
    for name in ("numpy", "pandas"):
        yield installed(wheel(name), ENVIRONMENT)
    yield {"/app/main.py": File(b"import numpy\nimport pandas\n")}


def cuda() -> Iterator[Tree]:
    """Yield NumPy, CUDA 12 and MPI in one layer."""
    yield {**RELEASE, **_wheels(*CUDA)}
    yield {"/app/main.py": File(b"import jax_cuda12_plugin\nimport mpi4py.MPI\n")}


def hundred() -> Iterator[Tree]:
    """Yield a hundred layers; all but the first have five files and dpkg's database, one package longer each time."""
    yield {**RELEASE, **_wheels("numpy")}
    for number in range(1, 100):
        paragraphs = b"\n".join(map(_paragraph, range(300 + number)))
        files = {f"/opt/layer{number}/file{n}": File(b"%d\n" % n * 100) for n in range(5)}
        yield {STATUS: File(paragraphs), **files}


def many(files: int) -> Layers:
    """Return what yields a layer of so many small files, a hundredth of them ELF."""

    def layers() -> Iterator[Tree]:
        luck = random.Random(9)
        libraries = [elf(needed=["libc.so.6"], soname=f"lib{n}.so.1", padding=8_000) for n in range(20)]
        texts = [luck.randbytes(luck.randrange(200, 3_000)).hex().encode() for _ in range(500)]
        tree: Tree = dict(RELEASE)
        for number in range(files):
            directory = f"/srv/data/{number // 1_000:03}/{number // 50 % 20:02}"
            if number % 100:
                tree[f"{directory}/item-{number}.json"] = File(texts[number % len(texts)])
            else:
                tree[f"{directory}/lib{number}.so"] = File(libraries[number // 100 % len(libraries)], executable=True)
        yield tree

    return layers


def torch() -> Iterator[Tree]:
    """Yield PyTorch and cuBLAS on NumPy, a layer each."""
    for name in ("numpy", "nvidia_cublas", "torch"):
        yield {**RELEASE, **_wheels(name)}
    yield {"/app/main.py": File(b"import torch\n")}


def overwritten() -> Iterator[Tree]:
    """Yield a quarter of a gigabyte that does not compress, and the same again over it."""
    yield {**RELEASE, **_wheels("numpy")}
    for seed in (1, 2):
        luck = random.Random(seed)
        yield {f"/srv/model/part{n}": File(luck.randbytes(32 * MB)) for n in range(8)}


def databases() -> Iterator[Tree]:
    """Yield ten layers that each rewrite a database of rpm of 40 MB, as ten ``dnf install`` in a Dockerfile do."""
    luck = random.Random(4)
    changelog = luck.randbytes(20_000).hex()
    for number in range(10):
        headers = [
            header({1000: f"package{n}", 1001: f"{number}.{n}", 1002: "1.el9", 1022: "x86_64", 1100: changelog})
            for n in range(1_000)
        ]
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            yield {**RELEASE, "/var/lib/rpm/rpmdb.sqlite": File(rpmdb(Path(directory, "rpmdb.sqlite"), *headers))}


def demo() -> Iterator[Tree]:
    """Yield the layers of the demo's image."""
    return (tree for _, tree in assemble.layers())


CORPUS = (
    Image(DEMO, "the demo's image: NumPy, CUDA 12, MPI", demo, config=assemble.CONFIG),
    Image("debian", "compilers, gdb, Open MPI, RDMA", distribution),
    Image("python", "the same with NumPy and pandas", python),
    Image("cuda", "NumPy, CUDA 12 and MPI in one layer", cuda),
    Image("cuda-zstd", "the same, in zstd", cuda, packing="zstd"),
    Image("files-20k", "20,000 small files", many(20_000)),
    Image("layers-100", "100 layers", hundred),
    Image("torch", "PyTorch and cuBLAS", torch, large=True),
    Image("files-200k", "200,000 small files", many(200_000), large=True),
    Image("overwritten", "256 MB of noise, twice", overwritten, large=True),
    Image("databases", "10 layers with 40 MB of rpm's each", databases, large=True),
)


def _wheels(*names: str) -> Tree:
    tree: Tree = {}
    for name in names:
        tree |= installed(wheel(name), ENVIRONMENT)
    return tree


@cache
def _paragraph(number: int) -> bytes:
    description = random.Random(number).randbytes(300).hex()
    return (
        f"Package: package{number}\nStatus: install ok installed\nArchitecture: amd64\n"
        f"Version: 1.{number}-1\nDescription: {description}\n"
    ).encode()


def _tree(root: Path) -> Tree:
    """Return what lies below a directory; its files are read now, for it goes away."""
    tree: Tree = {}
    for path in sorted(root.rglob("*")):
        name = f"/{path.relative_to(root)}"
        if path.is_symlink():
            tree[name] = Link(str(path.readlink()))
        elif path.is_dir():
            tree[name] = Directory(path.stat().st_mode & 0o7777)
        else:
            tree[name] = File(path.read_bytes(), file(path).executable)
    return tree
