"""The journey of ``make demo``, step by step, and what it leaves behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.download
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the directory the journey ran in, and what it printed."""
    directory = tmp_path_factory.mktemp("journey")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", "demo.run"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return directory / "out" / "demo", result.stdout + result.stderr


@pytest.fixture(scope="module")
def report(journey: tuple[Path, str]) -> Any:
    return json.loads((journey[0] / "report.json").read_text())


def test_everything_a_reader_looks_for_is_there(journey: tuple[Path, str]) -> None:
    held = {path.name for path in journey[0].iterdir()}
    assert held >= {"image", "compat.yaml.j2", "report.json", "compat.yaml", "cosign.key", "cosign.pub", "matrix.html"}


def test_publishing_again_changes_nothing(journey: tuple[Path, str]) -> None:
    assert journey[1].count("nothing changed") == 1


def test_it_ends_with_where_the_image_runs(journey: tuple[Path, str]) -> None:
    directory, printed = journey
    (command, told) = printed.rpartition("\n# Where does it run?\n$ ")[2].split("\n", 1)
    assert command == "compatbuild check oci-dir:image:v1 --os all --key cosign.pub -o summary -o html=matrix.html"
    assert re.search(r"^oci-dir:image:v1: \d+ depends$", told, re.MULTILINE)  # on the CPU and the GPU of a node
    assert all(name in told for name in ("rhel-9.4", "ubuntu-24.04", "talos-1.14"))
    assert len(told.partition("\nDone in ")[0].splitlines()) < 40
    assert "\nTo see where it runs, and why, open out/demo/matrix.html in a browser\n" in told
    page = (directory / "matrix.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count('<th scope="row">') > 80


def test_the_facts_are_those_of_the_wheels(report: Any) -> None:
    facts = {name: fact["value"] for name, fact in report["facts"].items()}
    assert facts["cuda.major"] == 12
    assert facts["cuda.driver.min"] == "525.60.13"
    assert facts["cuda.sass"] == ["50", "60", "70", "80", "90", "100", "101", "120"]
    assert facts["cuda.ptx"] == [["120", "8.8"]]
    assert facts["mpi.family"] == "MPICH"
    assert facts["cpu.level"] == "x86-64-v2"
