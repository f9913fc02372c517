"""Programs built here, whose needs are known by how they were built."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.ground_truth import cuda

C_SOURCE = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
GO_SOURCE = 'package main\n\nfunc main() { println("hello") }\n'


def _c(*options: str) -> Callable[[Path], None]:
    """Return a recipe for a C program at ``/app``."""

    def build(root: Path) -> None:
        source = root.parent / "hello.c"
        source.write_text(C_SOURCE)
        _run(["gcc", "-O2", *options, "-o", str(root / "app"), str(source)])

    return build


def _go(**settings: str) -> Callable[[Path], None]:
    """Return a recipe for a static Go program at ``/app``, built with these settings."""

    def build(root: Path) -> None:
        source = root.parent / "hello.go"
        source.write_text(GO_SOURCE)
        _run(["go", "build", "-trimpath", "-o", str(root / "app"), str(source)], settings | {"CGO_ENABLED": "0"})

    return build


def _spack(root: Path) -> None:
    """Make what Spack leaves of a package compiled for a Haswell: the program, and its specification."""
    prefix = root / "opt/spack/linux-haswell/hello-1.0-abcdefg"
    (prefix / "bin").mkdir(parents=True)
    (prefix / ".spack").mkdir()
    _c("-march=haswell")(root)
    shutil.move(root / "app", prefix / "bin/hello")
    features = ["avx", "avx2", "bmi1", "bmi2", "fma", "movbe", "popcnt", "sse4_2", "rdrand", "aes"]
    target = {"name": "haswell", "vendor": "GenuineIntel", "features": features, "generation": 0, "parents": []}
    node = {
        "name": "hello",
        "version": "1.0",
        "arch": {"platform": "linux", "platform_os": "debian12", "target": target},
    }
    (prefix / ".spack/spec.json").write_text(json.dumps({"spec": {"_meta": {"version": 5}, "nodes": [node]}}))


def _run(command: list[str], settings: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, env=os.environ | (settings or {}))


RECIPES: dict[str, Callable[[Path], None]] = {
    "c": _c(),
    "c-march-v3": _c("-march=x86-64-v3"),
    "c-note-v2": _c("-Wl,-z,x86-64-v2"),
    "c-note-v3": _c("-Wl,-z,x86-64-v3"),
    "cuda-shared": cuda.recipe("--cudart=shared", "-gencode=arch=compute_90,code=[sm_90,compute_90]"),
    "cuda-static": cuda.recipe(
        "--cudart=static", "-gencode=arch=compute_80,code=sm_80", "-gencode=arch=compute_90,code=compute_90"
    ),
    "go": _go(GOARCH="amd64", GOAMD64="v1"),
    "go-v2": _go(GOARCH="amd64", GOAMD64="v2"),
    "go-v3": _go(GOARCH="amd64", GOAMD64="v3"),
    "go-arm64": _go(GOARCH="arm64", GOARM64="v8.0"),
    "go-arm64-lse": _go(GOARCH="arm64", GOARM64="v8.1"),
    "go-power9": _go(GOARCH="ppc64le", GOPPC64="power9"),
    "spack-haswell": _spack,
}
"""By name: a function that puts the program under a root directory."""
