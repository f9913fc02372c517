"""How much of an image is read: said on the command line, in the environment or in the settings, in this order."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

TOO_SMALL = "layer_bytes=1KiB"


@pytest.mark.parametrize("command", ["infer", "refine", "publish"])
def test_an_image_over_a_limit_is_refused_and_the_limit_named(command: str, cli: Cli, image: str) -> None:
    assert cli(command, image).code == 0
    ended = cli(command, image, "--limit", TOO_SMALL, "--limit", "layers=7")
    assert ended.code == 1
    assert "decompresses to more than 1,024 bytes" in ended.err
    assert "try: if you trust the image, raise it with --limit layer_bytes=VALUE" in ended.err


def test_the_flag_comes_before_the_variable_and_that_before_the_settings(
    cli: Cli, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".compatbuild.yaml").write_text("limits: {layer_bytes: 1KiB, layers: 1}\n")
    assert cli("infer", image).code == 1
    assert cli("infer", image, "--limit", "layer_bytes=1GiB").code == 0
    monkeypatch.setenv("COMPATBUILD_LIMIT", "layer_bytes=2GiB layers=9")
    assert cli("infer", image).code == 0
    assert cli("infer", image, "--limit", TOO_SMALL).code == 1


@pytest.mark.parametrize("stated", ["layer_byte: 1", "layers: many", "layers: [1]", "layers: -1"])
def test_settings_that_limit_nothing_are_refused(stated: str, cli: Cli, image: str) -> None:
    Path(".compatbuild.yaml").write_text(f"limits: {{{stated}}}\n")
    ended = cli("infer", image)
    assert ended.code == 2
    assert ".compatbuild.yaml" in ended.err


def test_a_limit_that_is_none_is_refused(cli: Cli, image: str) -> None:
    for stated in ("layers", "layer=1", "layers=0"):
        assert cli("infer", image, "--limit", stated).code == 2


def test_what_was_left_out_is_in_the_report(cli: Cli, image: str) -> None:
    report = cli("infer", image, "--limit", "elf_files=1", "-o", "json").value
    assert any("more than 1 ELF files" in text for text in report["limits"])
