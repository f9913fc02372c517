"""Real wheels from PyPI: what NVIDIA's cuobjdump, readelf and their authors say of them, we say too."""

import zipfile
from collections.abc import Iterator

import pytest

from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests, Marker
from tests.builders.elf import read
from tests.builders.wheels import wheel

pytestmark = pytest.mark.download

EVERYTHING = Interests(
    elf=True,
    device_code=True,
    bpf=True,
    go=True,
    markers=(
        Marker("cudart", b"CUDA driver version is insufficient for CUDA runtime version"),
        Marker("numpy", b"NumPy was built with baseline", "/**/_multiarray_umath*.so", rb"optimizations:\s+\((\w+)\)"),
        Marker("mpich", b"MPICH Version:", "/**/libmpi*.so*"),
    ),
)


def elves(name: str) -> Iterator[tuple[str, ElfFacts]]:
    """Yield the ELF files of a wheel by their path in it."""
    with zipfile.ZipFile(wheel(name)) as archive:
        for member in archive.namelist():
            found = read(archive.read(member), EVERYTHING, path=f"/{member}", pieces=[100_000] * 20)
            if found is not None:
                assert found.damaged == "", member
                yield member, found


def test_the_targets_of_jax() -> None:
    """As cuobjdump 13.5 lists them, for each of the three files with device code."""
    with_code = {path: found for path, found in elves("jax-cuda12-plugin") if found.device_code}
    assert {path.rpartition("/")[2] for path in with_code} == {"_linalg.so", "_prng.so", "_solver.so"}
    for found in with_code.values():
        assert {code.section for code in found.device_code} == {".nv_fatbin"}
        sass = [code.target for code in found.device_code if code.kind == "sass"]
        assert sass == ["50", "60", "70", "80", "90", "100", "101", "120"]
        assert [(c.target, c.isa) for c in found.device_code if c.kind == "ptx"] == [("120", "8.8")]
        assert not any(library.startswith("libcudart") for library in found.needed)


def test_the_cuda_runtime() -> None:
    found = dict(elves("nvidia-cuda-runtime-cu12"))
    runtime = found["nvidia/cuda_runtime/lib/libcudart.so.12"]
    assert runtime.soname == "libcudart.so.12"
    assert "cudart" in runtime.markers
    assert runtime.device_code == ()


def test_the_libraries_of_mpich() -> None:
    found = {path.rpartition("/")[2]: facts for path, facts in elves("mpich")}
    assert found["libmpi.so.12"].soname == "libmpi.so.12"
    assert "mpich" in found["libmpi.so.12"].markers
    assert found["libmpi_abi.so.1"].soname == "libmpi_abi.so.1"


def test_the_baseline_of_numpy() -> None:
    found = next(f for path, f in elves("numpy") if "/_multiarray_umath." in path)
    assert found.markers["numpy"] == ("X86_V2",)
    assert any("GLIBC_2.27" in names for names in found.versions.values())
    assert found.isa_needed <= 1
