"""The benchmark measures what it says: time, memory, and only commands that succeed on the layers that are there."""

from __future__ import annotations

import gzip
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import __main__ as command_line
from bench import plot, readme, regression, tables
from bench.contents import CORPUS, Image
from bench.corpus import PACKINGS, Stored
from bench.images import INFER, WARM, Measured
from bench.inflate import inflate
from bench.layers import layer_files
from bench.matching import measured as verdicts
from bench.measure import BenchError, Command, Cost, in_turn, median, once
from demo.layout import Layout
from demo.tree import File

IMAGE = Image("small", "two files", lambda: iter(()))


def made(place: Path, packing: str = "gzip") -> Path:
    layout = Layout(place, 0, PACKINGS[packing])
    layers = [layout.layer({f"/{name}": File(name.encode())}, name) for name in ("lower", "upper")]
    layout.image(layers, {}, "v1")
    return place


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """What is measured of an image, by figures of our own."""
    compression, layers = layer_files(made(tmp_path / "image"), "v1")
    stored = Stored(IMAGE, tmp_path / "image", compression, tuple(layers), 20_480, 2)
    medians = {
        INFER: Cost(3, 2.5, 90),
        WARM: Cost(0.3, 0.3, 50),
        "igzip -dc": Cost(2, 2, 10),
        "gzip -dc": Cost(9, 9, 9),
    }
    return Measured(stored, {name: [cost] for name, cost in medians.items()}, medians, "igzip -dc")


def test_wall_time_and_processor_time_are_told_apart(tmp_path: Path) -> None:
    asleep = once(Command([sys.executable, "-c", "import time; time.sleep(0.3)"]), tmp_path)
    assert asleep.wall >= 0.3
    assert asleep.cpu < asleep.wall


def test_memory_is_the_peak_of_the_command_and_not_ours(tmp_path: Path) -> None:
    ours = bytearray(200_000_000)
    ours[::4096] = b"x" * len(ours[::4096])
    program = "b = bytearray(100_000_000); b[::4096] = b'x' * len(b[::4096]); del b"
    assert 100 < once(Command([sys.executable, "-c", program]), tmp_path).memory < 190


def test_a_command_that_fails_has_no_cost(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="exit code 3"):
        once(Command([sys.executable, "-c", "raise SystemExit(3)"]), tmp_path)


def test_a_fresh_command_finds_an_empty_home_each_time() -> None:
    leave = ["sh", "-c", 'test ! -e "$HOME/left" && touch "$HOME/left"']
    assert len(in_turn({"one": Command(leave, fresh=True)}, 2)["one"]) == 2
    with pytest.raises(BenchError):
        in_turn({"one": Command(leave)}, 2)


def test_the_median_is_each_figure_s_own() -> None:
    costs = [Cost(1, 30, 200), Cost(2, 10, 300), Cost(3, 20, 100)]
    assert median(costs) == Cost(2, 20, 200)


@pytest.mark.parametrize("module", ["zlib", "isal"])
def test_every_member_is_inflated(tmp_path: Path, module: str) -> None:
    (tmp_path / "one").write_bytes(gzip.compress(bytes(3_000_000)) + gzip.compress(b"more"))
    (tmp_path / "two").write_bytes(gzip.compress(b"x"))
    assert inflate(module, [str(tmp_path / "one"), str(tmp_path / "two")]) == 3_000_005


def test_zstd_is_inflated(tmp_path: Path) -> None:
    compression, layers = layer_files(made(tmp_path / "image", "zstd"), "v1")
    assert compression == "zstd"
    assert inflate("zstd", [str(layer) for layer in layers]) == 2 * 10_240


def test_layers_come_lowest_first(tmp_path: Path) -> None:
    compression, layers = layer_files(made(tmp_path / "image"), "v1")
    lower, upper = (gzip.decompress(path.read_bytes()) for path in layers)
    assert compression == "gzip"
    assert lower.startswith(b"lower")
    assert upper.startswith(b"upper")


def test_a_tag_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="v2"):
        layer_files(made(tmp_path / "image"), "v2")


def test_ratios_are_of_the_medians(measured: Measured) -> None:
    document = measured.as_json()
    assert document["times_yardstick"] == {"value": 1.5, "aim": 2.5}
    assert document["memory_mb"] == {"value": 90, "aim": 96.0}
    assert json.loads(json.dumps(document)) == document
    _, row = tables.images([document])
    assert row == ["small", "0", "0", "2", "3.00", "2.50", "90", "1.50", "2.5", "0.30", "2.00", "9.00"]


def test_a_figure_that_was_not_measured_is_an_empty_cell(measured: Measured) -> None:
    first, second = measured.as_json(), measured.as_json()
    second["medians"] = {name: cost for name, cost in first["medians"].items() if name != "gzip -dc"}
    head, _, row = tables.images([first, second])
    assert dict(zip(head, row, strict=True))["gzip -dc s"] == ""


def test_the_plot_is_svg_with_a_bar_a_command(measured: Measured) -> None:
    root = ET.fromstring(plot.svg([measured.as_json()]))
    rectangles = [one for one in root.iter() if one.tag.endswith("rect")]
    assert len(rectangles) == 2 + 2  # the key, and the bars of infer and gzip
    texts = " ".join(one.text or "" for one in root.iter() if one.tag.endswith("text"))
    assert "1.5 \u00d7" in texts
    assert "4.5 \u00d7" in texts


def test_the_readme_gets_tables_that_are_whole(measured: Measured) -> None:
    machine = {"cores": 2, "cpu": "a CPU", "python": "3.11"}
    block = readme.block({"machine": machine, "images": [measured.as_json()]})
    assert all(len(line) <= 120 or line.startswith("|") for line in block.splitlines())
    assert "| small: two files | 0 | 2 | 3.00 |" in block


def test_nothing_is_measured_of_an_image_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(image: Image) -> Stored:
        raise BenchError("no such package")

    monkeypatch.setattr(command_line, "stored", fails)
    assert command_line.main(["debian", "--output", str(tmp_path / "bench.json")]) == 1
    assert "Not measured: image debian: no such package" in capsys.readouterr().out
    assert json.loads((tmp_path / "bench.json").read_text())["images"] == []


def test_dearer_by_more_than_a_tenth_is_a_regression() -> None:
    recorded = {"one": 2.0, "two": 2.0}
    assert regression.regressed({"one": 2.19, "two": 2.21}, recorded) == ["two"]
    assert regression.regressed({"new": 1.0}, recorded) == ["new"]


def test_what_is_recorded_names_the_machine() -> None:
    recorded = json.loads(regression.RECORDED.read_text())
    assert recorded["machine"]["cpu"]
    assert set(recorded["ratios"]) == {image.name for image in CORPUS if not image.large}


def test_verdicts_are_counted() -> None:
    found = verdicts(0.01)
    assert found["profiles"] > 80
    assert found["verdicts_per_second"] > 100
