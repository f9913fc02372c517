from __future__ import annotations

import pytest

from compatbuild.checking.gpus import GPUS, Gpu, amd_code, gpu, gpus, model
from compatbuild.errors import UsageError
from compatbuild.knowledge import load


@pytest.mark.parametrize(("name", "expected"), [
    ("H100", Gpu("h100", "nvidia", "9.0")), ("NVIDIA L40S", Gpu("l40s", "nvidia", "8.9")),
    ("Instinct MI300X", Gpu("mi300x", "amd", "gfx942")), ("sm_90", Gpu("sm_90", "nvidia", "9.0")),
    ("12.0", Gpu("12.0", "nvidia", "12.0")), ("gfx90a", Gpu("gfx90a", "amd", "gfx90a")),
])  # fmt: skip
def test_names(name: str, expected: Gpu) -> None:
    assert gpu(name) == expected


def test_every_capability_is_one_that_the_knowledge_has() -> None:
    known = load().cuda.capabilities
    named = {int(one.architecture.replace(".", "")) for one in GPUS.values() if one.vendor == "nvidia"}
    assert named <= set(known)


@pytest.mark.parametrize("name", ["h10", "", "gfx", "voodoo" * 100])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UsageError):
        gpu(name)


@pytest.mark.parametrize(("product", "architecture"), [
    ("NVIDIA A100-SXM4-40GB", "8.0"), ("NVIDIA-H100-80GB-HBM3", "9.0"), ("Tesla T4", "7.5"), ("Quadro RTX 6000", "7.5"),
    ("NVIDIA RTX 6000 Ada Generation", "8.9"), ("NVIDIA GeForce RTX 4090", "8.9"), ("NVIDIA-A10G-SHARED", "8.6"),
])  # fmt: skip
def test_products(product: str, architecture: str) -> None:
    assert model(product) == Gpu(product, "nvidia", architecture)
    assert model("NVIDIA Unheard of") is None


def test_lists() -> None:
    assert [one.name for one in gpus("h100, l4,h100,")] == ["h100", "l4"]
    with pytest.raises(UsageError):
        gpus(",".join(["h100"] * 51))


@pytest.mark.parametrize(("target", "built", "code"), [
    ("gfx942", ["gfx90a", "gfx942"], "gfx942"), ("gfx942", ["gfx9-4-generic"], "gfx9-4-generic"),
    ("gfx90a", ["gfx90a:xnack+", "gfx90a"], "gfx90a"), ("gfx90a", ["gfx90a:xnack-"], "gfx90a:xnack-"),
    ("gfx1100", ["gfx1030"], ""),
])  # fmt: skip
def test_amd_code(target: str, built: list[str], code: str) -> None:
    assert amd_code(target, built) == code
