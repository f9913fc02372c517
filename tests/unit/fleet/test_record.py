"""The file of results: what a kill leaves behind, who may write it, and what it holds in the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compatbuild.errors import FleetError
from compatbuild.fleet.record import Record, read_rows
from compatbuild.fleet.rows import Header, HostName, Row, to_line
from compatbuild.registry.layout import LayoutStore
from tests.unit.cli.conftest import Cli
from tests.unit.fleet.building import fleet, image, nodes, rows, told

HEADER = Header(version="1", knowledge="2026-01-01", asked="sha256:1", options={"gpus": "h100"}, hosts=(HostName(name="n", kind="node", fidelity="live"),))  # fmt: skip


def row(name: str, verdict: str = "compatible", **more: object) -> Row:
    group = {"verdict": verdict, "hosts": ["n"]}
    given = {"digest": f"sha256:{name}", "names": [name], "origin": "attached", "verdict": verdict, "counts": {verdict: 1}, "groups": [group]}  # fmt: skip
    return Row.model_validate(given | more)


def names(path: Path) -> list[str]:
    return [one.names[0] for one in read_rows(path)]


def test_rows_are_there_as_soon_as_they_are_written(tmp_path: Path) -> None:
    with Record.open(tmp_path / "r", HEADER) as record:
        record.write(row("b"))
        record.write(row("a"))
        assert names(tmp_path / "r") == ["b", "a"]


def test_every_torn_end_is_dropped_and_gone_on_with(tmp_path: Path) -> None:
    whole = to_line(HEADER) + to_line(row("a")) + to_line(row("b"))
    path = tmp_path / "r"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        with Record.open(path, HEADER) as record:
            record.write(row("c"))
        complete = whole[:length].count(b"\n")
        assert names(path) == [*["a", "b"][: max(complete - 1, 0)], "c"]
        assert path.read_bytes().startswith(to_line(HEADER))


def test_a_torn_end_is_not_read_either(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(to_line(HEADER) + to_line(row("a")) + to_line(row("b"))[:-1])
    assert names(path) == ["a"]


def test_the_last_row_of_an_image_counts(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with Record.open(path, HEADER) as record:
        record.write(row("a", "incompatible"))
        record.write(row("b"))
        record.write(row("a"))
    assert {one.names[0]: one.verdict for one in read_rows(path)} == {"a": "compatible", "b": "compatible"}


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r"
    for bad in (b"{}\n", b"\n", b"[1]\n", b'{"digest": "\xff"}\n'):
        path.write_bytes(to_line(HEADER) + bad + to_line(row("a")))
        with pytest.raises(FleetError, match=r"line 2 of .* is no row"):
            Record.open(path, HEADER)
        with pytest.raises(FleetError, match=r"line 2 of .* is no row"):
            names(path)


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("my notes\n")
    with pytest.raises(FleetError, match="is no record of a fleet"):
        Record.open(path, HEADER)
    assert path.read_text() == "my notes\n"


def test_a_run_that_asked_something_else_is_told_what(tmp_path: Path) -> None:
    path = tmp_path / "r"
    Record.open(path, HEADER).close()
    other = HEADER.model_copy(update={"asked": "sha256:2", "options": {"gpus": "l4"}})
    with pytest.raises(FleetError, match="another run") as raised:
        Record.open(path, other)
    assert raised.value.why == "gpus 'h100' there, 'l4' now"


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    with Record.open(tmp_path / "r", HEADER), pytest.raises(FleetError, match="another run writes"):
        Record.open(tmp_path / "r", HEADER)
    Record.open(tmp_path / "r", HEADER).close()


def test_a_full_disk_is_told_and_leaves_whole_rows(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot write"):
        Record.open(Path("/proc/nothing/r"), HEADER)
    with Record.open(tmp_path / "r", HEADER) as record:
        record.write(row("a"))
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, record._file.fileno())
        os.close(full)
        with pytest.raises(FleetError, match="No space left"):
            record.write(row("b"))
    assert names(tmp_path / "r") == ["a"]


def test_a_run_goes_on_without_asking_again(cli: Cli, elsewhere: Path) -> None:
    store = fleet(elsewhere)
    digests = [store.resolve(tag).descriptor.digest for tag in ("any", "fast", "bare")]
    Path("images").write_text("".join(f"oci-dir:app@{digest}\n" for digest in digests))
    run = ("fleet", "check", "images", "--features", nodes(elsewhere), "--results", "r.jsonl", "-o", "jsonl")
    first = cli(*run)
    shutil.rmtree("app")  # whoever asks again finds nothing
    again = cli(*run)
    assert (again.code, again.out) == (0, first.out)
    assert "3 images were in r.jsonl already" in again.err
    assert Path("r.jsonl").read_text() == first.out


def test_errors_are_tried_again_and_nothing_is_there_twice(cli: Cli, elsewhere: Path) -> None:
    fleet(elsewhere)
    Path("images").write_text("oci-dir:app:any\noci-dir:app:late\n")
    run = ("fleet", "check", "images", "--features", nodes(elsewhere), "--results", "r.jsonl")
    assert cli(*run).code == 1
    assert told(Path("r.jsonl").read_text())["late"] == ("unknown", "error")
    image(LayoutStore(elsewhere / "app"), "late", "SSE2")
    assert cli(*run).code == 0
    assert told(Path("r.jsonl").read_text()) == {"any": ("compatible", "attached"), "late": ("compatible", "attached")}
    assert len(rows(Path("r.jsonl").read_text())) == 2


def test_what_the_sources_no_longer_name_is_gone_in_the_end(cli: Cli, elsewhere: Path) -> None:
    fleet(elsewhere)
    run = ("fleet", "check", "images", "--features", nodes(elsewhere), "--results", "r.jsonl")
    assert cli(*run).code == 0
    Path("images").write_text("oci-dir:app:fast\n")
    assert cli(*run).code == 0
    assert set(told(Path("r.jsonl").read_text())) == {"fast"}


def test_hosts_with_other_facts_are_another_run(cli: Cli, elsewhere: Path) -> None:
    fleet(elsewhere)
    run = ("fleet", "check", "images", "--results", "r.jsonl", "--features")
    assert cli(*run, nodes(elsewhere)).code == 0
    Path("nodes.json").write_text(Path("nodes.json").read_text().replace("AVX2", "AVX512F"))
    done = cli(*run, "nodes.json")
    assert done.code == 1
    assert "what is known of the hosts has changed" in done.err
    assert json.loads(Path("r.jsonl").read_text().splitlines()[0])["schema"] == "compatbuild.fleet/v1"


def test_the_same_record_from_two_processes(elsewhere: Path, cli: Cli) -> None:
    """Sets are in another order in every process: the digest over what was asked must not care."""
    fleet(elsewhere)
    nodes(elsewhere)
    command = [sys.executable, "-m", "compatbuild", "fleet", "images", "--features", "nodes.json", "--results"]
    for seed in ("1", "2"):
        subprocess.run([*command, "r.jsonl"], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True)  # fmt: skip
