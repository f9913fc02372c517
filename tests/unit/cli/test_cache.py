"""What was read before is not read again: the same answer, sooner; without the cache, or with a damaged one, too."""

from pathlib import Path

import pytest

from compatbuild.cache.fingerprint import fingerprint
from tests.builders import images
from tests.builders.layers import file, layer
from tests.builders.programs import RUNTIME, cuda_program, write_image, write_index
from tests.unit.cli.conftest import Cli


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("COMPATBUILD_NO_CACHE")
    monkeypatch.setenv("COMPATBUILD_CACHE", "kept")
    return Path("kept")


def report(cli: Cli, *arguments: str) -> str:
    ended = cli("infer", *arguments, "-o", "json")
    assert ended.code == 0, ended.err
    return ended.out


def forget_layers(image: str) -> int:
    """Remove all blobs of a layout but manifests and configs; return how many."""
    blobs = [path for path in Path(image.split(":")[1]).glob("blobs/*/*") if not path.read_bytes().startswith(b"{")]
    for path in blobs:
        path.unlink()
    return len(blobs)


def test_an_image_that_was_read_is_not_read_again(cli: Cli, image: str) -> None:
    first = report(cli, image)
    assert forget_layers(image) == 1
    assert report(cli, image) == first
    assert cli("infer", image, "--no-cache").code != 0


def test_the_same_content_elsewhere_is_told_of_where_it_is(cli: Cli, image: str) -> None:
    first = report(cli, image)
    write_image(Path("other"))
    assert report(cli, "oci-dir:other:v1") == first.replace('"image:v1"', '"other:v1"')


def test_of_a_rebuilt_image_only_the_new_layer_is_read(cli: Cli, image: str) -> None:
    report(cli, image)
    old, new = cuda_program(), layer(file("etc/new"))
    images.oci_layout(Path("rebuilt"), [old, new], images.image_config([old, new], RUNTIME))
    fresh = report(cli, "oci-dir:rebuilt:v1", "--no-cache")
    (Path("rebuilt/blobs") / old.digest.replace(":", "/")).unlink()
    assert report(cli, "oci-dir:rebuilt:v1") == fresh


def test_other_limits_read_anew(cli: Cli, image: str) -> None:
    report(cli, image)
    assert cli("infer", image, "--limit", "layer_bytes=1KiB").code == 1
    cut = cli("infer", image, "--limit", "elf_files=1", "-o", "json").value
    assert cut["limits"]
    assert cli("infer", image, "--limit", "elf_files=1", "-o", "json").value == cut


@pytest.mark.parametrize("command", [["check", "--os", "debian-12"], ["diff", "oci-dir:image:v1"], ["refine"]])
def test_other_commands_know_it_too(command: list[str], cli: Cli, image: str) -> None:
    source = "image" if command[0] == "check" else image
    first = cli(*command, source)
    forget_layers(image)
    again = cli(*command, source)
    assert (again.code, again.out) == (first.code, first.out)
    assert first.code in (0, 10)


def test_publishing_reads_nothing_again(cli: Cli, image: str) -> None:
    report(cli, image)
    forget_layers(image)
    assert cli("publish", image).code == 0


def test_all_platforms_are_kept(cli: Cli) -> None:
    write_index(Path("index"))
    first = report(cli, "oci-dir:index:v1", "--platform", "all")
    assert forget_layers("oci-dir:index:v1") == 2
    assert report(cli, "oci-dir:index:v1", "--platform", "all") == first


def test_a_damaged_cache_changes_nothing(cli: Cli, image: str, cache: Path) -> None:
    first = report(cli, image)
    for path in cache.rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    assert report(cli, image) == first


def test_a_report_that_is_none_is_made_anew(cli: Cli, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = report(cli, image)
    monkeypatch.setattr("compatbuild.inference.report_cache.parse_report", _refuse)
    assert report(cli, image) == first


def _refuse(*_: object) -> None:
    from compatbuild.errors import UsageError  # noqa: PLC0415 - as the function it stands for

    raise UsageError("it is none")


def test_a_new_version_reads_anew(cli: Cli, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report(cli, image)
    forget_layers(image)
    monkeypatch.setattr("compatbuild.cache.cache.fingerprint", lambda: f"{fingerprint()}, changed")
    assert cli("infer", image).code != 0


def test_show_and_clear(cli: Cli, image: str, cache: Path) -> None:
    assert cli("cache", "show", "-o", "json").value["entries"] == 0
    report(cli, image)
    shown = cli("cache", "show", "-o", "json").value
    assert (shown["path"], shown["entries"]) == ("kept", 2)
    assert shown["bytes"] == sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert cli("cache", "show").out.startswith("kept: 2 entries, 0.0 of 2,147 MB\n")
    cleared = cli("cache", "clear")
    assert (cleared.code, cleared.out) == (0, "")
    assert "2 entries" in cleared.err
    assert cli("cache", "show", "-o", "json").value["entries"] == 0


def test_a_named_cache_that_others_can_write_is_an_error_and_the_usual_one_is_done_without(
    cli: Cli, image: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir(0o777)
    cache.chmod(0o777)
    assert cli("infer", image).code == 2
    monkeypatch.delenv("COMPATBUILD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("usual").absolute()))
    Path("usual/compatbuild").mkdir(parents=True)
    Path("usual/compatbuild").chmod(0o777)
    ended = cli("infer", image)
    assert ended.code == 0
    assert "note: nothing is cached: " in ended.err


def test_a_cache_of_a_service_is_looked_at_elsewhere(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPATBUILD_CACHE", "s3://bucket/prefix")
    ended = cli("cache", "show")
    assert ended.code == 2
    assert "s3 service" in ended.err
