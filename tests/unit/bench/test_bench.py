"""The benchmark measures what it says: time, memory, and only commands that succeed on the layers that are there."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import INFER, ZLIB, document, main, table
from bench.inflate import MODULES, inflate
from bench.layers import gzip_layers
from bench.measure import BenchError, Cost, median, once
from demo.layout import Layout
from demo.tree import File

ROOT = Path(__file__).parents[3]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    layout = Layout(tmp_path / "image", 0)
    layers = [layout.layer({f"/{name}": File(name.encode())}, name) for name in ("lower", "upper")]
    layout.image(layers, {}, "v1")
    return tmp_path / "image"


def test_wall_time_and_processor_time_are_told_apart() -> None:
    asleep = once([sys.executable, "-c", "import time; time.sleep(0.3)"])
    assert asleep.wall >= 0.3
    assert asleep.cpu < asleep.wall


def test_memory_is_the_peak() -> None:
    # From a small process: Linux counts what a child shares with its parent before it becomes another program.
    program = """
import sys
from bench.measure import once
print(once([sys.executable, "-c", "b = bytearray(300_000_000); b[::4096] = b'x' * len(b[::4096]); del b"]).memory)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert 300 < float(told.stdout) < 1_000


def test_a_command_that_fails_has_no_cost() -> None:
    with pytest.raises(BenchError, match="exit code 3"):
        once([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_median_is_each_figure_s_own() -> None:
    costs = [Cost(1, 30, 200), Cost(2, 10, 300), Cost(3, 20, 100)]
    assert median(costs) == Cost(2, 20, 200)


@pytest.mark.parametrize("module", MODULES)
def test_every_member_is_inflated(tmp_path: Path, module: str) -> None:
    (tmp_path / "one").write_bytes(gzip.compress(bytes(3_000_000)) + gzip.compress(b"more"))
    (tmp_path / "two").write_bytes(gzip.compress(b"x"))
    assert inflate(module, [str(tmp_path / "one"), str(tmp_path / "two")]) == 3_000_005


def test_layers_come_lowest_first(layout: Path) -> None:
    lower, upper = (gzip.decompress(path.read_bytes()) for path in gzip_layers(layout, "v1"))
    assert lower.startswith(b"lower")
    assert upper.startswith(b"upper")


def test_a_tag_that_is_not_there_is_named(layout: Path) -> None:
    with pytest.raises(LookupError, match="v2"):
        gzip_layers(layout, "v2")


def test_without_an_image_nothing_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--layout", str(tmp_path / "none"), "--output", str(tmp_path / "bench.json")]) == 1
    assert capsys.readouterr().err.startswith("Nothing is measured: ")
    assert not (tmp_path / "bench.json").exists()


def test_ratios_are_of_the_medians() -> None:
    medians = {INFER: Cost(3, 3, 100), ZLIB: Cost(2, 2, 20)}
    result = document({name: [cost] for name, cost in medians.items()}, medians)
    assert result["times_zlib"] == {"value": 1.5, "aim": 2.0}
    assert result["memory_mb"]["value"] == 100
    assert json.loads(json.dumps(result)) == result
    assert table(medians).splitlines()[1].split()[-1] == "1.50x"
