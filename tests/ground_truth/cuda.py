"""A CUDA compiler from the package index, pinned by hash: what it builds is known by how it was called."""

import subprocess
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import platformdirs

from tests.builders.wheels import fetched

TOOLKIT = {
    "nvidia_cuda_crt-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "e898b7f73d3035fa89915a3f7bf3b54a73e90249746111aed295822c4729bb29",
    "nvidia_cuda_nvcc-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7",
    "nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
    "nvidia_nvvm-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl": "c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070",
}
"""File name and SHA-256 of the wheels that make a compiler, some 130 MB."""

SOURCE = """__global__ void add(int *x) { *x += 1; }
int main() { int *x = nullptr; cudaMalloc(&x, sizeof *x); add<<<1, 1>>>(x); return cudaDeviceSynchronize(); }
"""


def recipe(*options: str) -> Callable[[Path], None]:
    """Return a recipe for a stripped CUDA program at ``/app``; it raises OSError where the compiler cannot be had."""

    def build(root: Path) -> None:
        home = _home()
        source, program = root.parent / "hello.cu", root / "app"
        source.write_text(SOURCE)
        compiler = [str(home / "bin/nvcc"), "-L", str(home / "lib"), *options, "-o", str(program), str(source)]
        subprocess.run(compiler, check=True, capture_output=True)
        subprocess.run(["strip", str(program)], check=True, capture_output=True)

    return build


@cache
def _home() -> Path:
    """Return where the compiler is unpacked; OSError when a part of it cannot be downloaded."""
    top = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "cuda-13.5.37"
    home = top / "nvidia/cu13"
    if not (top / "complete").exists():
        for filename, sha256 in TOOLKIT.items():
            wheel = fetched(filename, sha256)
            if isinstance(wheel, str):
                raise OSError(wheel)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(top)
        for program in (*home.glob("bin/*"), *home.glob("nvvm/bin/*")):
            program.chmod(0o755)
        (home / "lib/libcudart.so").unlink(missing_ok=True)
        (home / "lib/libcudart.so").symlink_to("libcudart.so.13")
        (top / "complete").touch()
    return home
