"""``--base``: what comes from the image that an image is built on."""

from pathlib import Path

import pytest

from tests.builders import based_images
from tests.unit.cli.conftest import Cli


@pytest.fixture
def images() -> tuple[str, str]:
    based_images.write(Path("images"), based_images.BASE, based_images.built())
    return "oci-dir:images:base", "oci-dir:images:app"


def test_infer_marks_what_comes_from_the_base(cli: Cli, images: tuple[str, str]) -> None:
    base, app = images
    result = cli("infer", app, "--base", base)
    assert result.code == 0
    assert "Built on" in result.out
    assert "NVIDIA_REQUIRE_CUDA: driver >=550 (from the base image)" in result.out
    value = cli("infer", app, "--base", base, "-o", "json").value
    assert value["base"]["reference"] == base
    assert {one["id"] for one in value["findings"] if one.get("inherited")} >= {"label.kernel", "os.release"}
    assert "base" not in cli("infer", app, "-o", "json").value


def test_a_variable_names_the_base_too(cli: Cli, images: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPATBUILD_BASE", images[0])
    assert cli("infer", images[1], "-o", "json").value["base"]["digest"] == based_images.BASE.digest


def test_what_is_no_base_is_a_mistake_in_the_call(cli: Cli, images: tuple[str, str]) -> None:
    result = cli("infer", images[0], "--base", images[1])
    assert result.code == 2
    assert "the image is not built on oci-dir:images:app" in result.err


def test_publish_puts_the_base_into_the_report(cli: Cli, images: tuple[str, str]) -> None:
    base, app = images
    assert cli("publish", base).code == 0
    assert cli("publish", app, "--base", base).code == 0
    assert cli("pull", app, "-o", "report=report.json").code == 0
    text = Path("report.json").read_text(encoding="utf-8")
    assert '"inherited": true' in text
    assert '"id": "label.module"' in text
