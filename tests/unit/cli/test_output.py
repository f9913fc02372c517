"""Where results go: to stdout, to files as a whole, through links, into devices."""

import os
import threading
from pathlib import Path

import pytest
from rich.text import Text

from compatbuild.cli.output import Target, emit, wanted, write_file
from compatbuild.errors import CompatError, UsageError
from tests.unit.cli.conftest import Cli


def test_the_first_format_is_the_default() -> None:
    assert wanted(None, "table", "json") == wanted([], "table", "json") == (Target("table", None),)


def test_formats_and_files_in_the_order_given() -> None:
    assert wanted(["json=a=b.json", "table", "json=-", "json="], "table", "json") == (
        Target("json", Path("a=b.json")),
        Target("table", None),
        Target("json", None),
        Target("json", None),
    )


@pytest.mark.parametrize(("typed", "near"), [("jsn", "json"), ("tabel=x", "table"), ("frob", "table"), ("", "table")])
def test_an_unknown_format_names_the_near_one(typed: str, near: str) -> None:
    with pytest.raises(UsageError, match="unknown output format") as caught:
        wanted([typed], "table", "json")
    assert caught.value.why == "this command prints table, json"
    assert caught.value.remedy == f"use -o {near}"


def test_only_what_is_wanted_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> str:
        raise AssertionError

    emit(wanted(["b"], "a", "b"), {"a": never, "b": lambda: "text\n"})
    assert capsys.readouterr() == ("text\n", "")


def test_a_table_goes_to_a_file_as_plain_text(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit(wanted(["table=out/t.txt"], "table"), {"table": lambda: Text("red", style="red")})
    assert Path("out/t.txt").read_text() == "red\n"
    assert capsys.readouterr() == ("", "")


def test_a_file_has_the_permissions_of_a_new_file(elsewhere: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_file(Path("a"), b"1")
    finally:
        os.umask(umask)
    assert Path("a").stat().st_mode & 0o777 == 0o640


def test_a_file_is_replaced_and_a_link_followed(elsewhere: Path) -> None:
    Path("real").write_text("old")
    Path("link").symlink_to("real")
    write_file(Path("link"), b"new")
    assert Path("link").is_symlink()
    assert Path("real").read_bytes() == b"new"
    Path("dangling").symlink_to("sub/made")
    write_file(Path("dangling"), b"new")
    assert Path("sub/made").read_bytes() == b"new"


def test_what_is_no_plain_file_is_written_to_and_stays(elsewhere: Path) -> None:
    """A pipe stands for the devices too: as root, a test that fails must not take /dev/null away."""
    os.mkfifo("pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    write_file(Path("pipe"), b"through")
    reader.join()
    assert read == [b"through"]
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("path", [".", "file/below", "/proc/none/x", "x" * 300])
def test_what_cannot_be_written_says_so_and_leaves_nothing(elsewhere: Path, path: str) -> None:
    Path("file").write_text("x")
    before = sorted(elsewhere.parent.rglob("*"))
    with pytest.raises(CompatError, match="cannot write") as caught:
        write_file(Path(path), b"data")
    assert caught.value.why
    assert sorted(elsewhere.parent.rglob("*")) == before


def test_a_misspelt_format_is_told_before_anything_is_done(cli: Cli, image: str) -> None:
    before = sorted(Path().rglob("*"))
    for command in (["publish", image], ["attach", image, "spec.yaml"], ["infer", image], ["verify", image]):
        result = cli(*command, "-o", "jsn")
        assert (result.code, result.out) == (2, "")
        assert "unknown output format 'jsn'" in result.err
    assert sorted(Path().rglob("*")) == before


def test_several_outputs_of_one_run(cli: Cli, image: str) -> None:
    result = cli(
        "infer", image, "-o", "json=report.json", "-o", "spec=out/spec.yaml", "-o", "table=t.txt", "-o", "yaml"
    )
    assert result.code == 0
    assert result.out.startswith("schema: compatbuild.report/v1\n")
    assert cli("validate", "out/spec.yaml").code == 0
    assert cli("refine", "report.json").out == Path("out/spec.yaml").read_text()
    assert "NVIDIA driver >= 525.60.13" in Path("t.txt").read_text()
