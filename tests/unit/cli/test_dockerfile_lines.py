"""`infer --dockerfile`: SARIF and the explanation name the lines that brought what an image needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import images
from tests.builders.layers import file, layer
from tests.builders.programs import RUNTIME, cuda_program
from tests.unit.cli.conftest import Cli, cli, elsewhere

__all__ = ["cli", "elsewhere"]  # the fixtures
DOCKERFILE = 'FROM debian:12\nRUN apt-get install -y app\nLABEL org.compatbuild.require.kernel=">=5.10"\nCOPY x /x\n'
STEPS = [
    {"created_by": "# debian.sh --arch 'amd64' out/ 'bookworm'"},
    {"created_by": "RUN /bin/sh -c apt-get install -y app # buildkit"},
    {"created_by": "LABEL org.compatbuild.require.kernel=>=5.10", "empty_layer": True},
    {"created_by": "COPY x /x # buildkit"},
]


@pytest.fixture
def built(elsewhere: Path) -> str:
    """An image with the program in its second layer, and its Dockerfile, in the working directory."""
    layers = [layer(file("etc/base", b"")), cuda_program(), layer(file("x", b""))]
    runtime = {**RUNTIME, "Labels": {"org.compatbuild.require.kernel": ">=5.10"}}
    images.oci_layout(elsewhere / "image", layers, images.image_config(layers, runtime, history=STEPS))
    (elsewhere / "Dockerfile").write_text(DOCKERFILE)
    return "oci-dir:image:v1"


def places(log: Any) -> dict[str, tuple[str, int]]:
    """Return the file and line of each result, by its rule."""
    found = {}
    for result in log["runs"][0]["results"]:
        at = result["locations"][0].get("physicalLocation", {})
        line = at.get("region", {}).get("startLine", 0)
        found[result["ruleId"]] = (at.get("artifactLocation", {}).get("uri", ""), line)
    return found


def test_a_layer_is_the_line_that_made_it_and_a_label_its_own(cli: Cli, built: str) -> None:
    told = cli("infer", built, "--dockerfile", "Dockerfile", "-o", "sarif")
    assert told.err == ""
    found = places(told.value)
    assert found.pop("label.kernel") == ("Dockerfile", 3)
    assert set(found) > {"cpu.level", "cuda.driver-min"}
    assert set(found.values()) == {("Dockerfile", 2)}


def test_the_explanation_names_the_line(cli: Cli, built: str) -> None:
    told = cli("infer", built, "--dockerfile", "Dockerfile", "--explain").out
    assert "by Dockerfile:2" in told
    assert "by Dockerfile:3" in told
    assert "by Dockerfile" not in cli("infer", built, "--explain").out


def test_without_a_dockerfile_nothing_is_located(cli: Cli, built: str) -> None:
    assert set(places(cli("infer", built, "-o", "sarif").value).values()) == {("", 0)}


def test_another_dockerfile_says_so_and_names_no_line(cli: Cli, built: str, elsewhere: Path) -> None:
    (elsewhere / "Dockerfile").write_text("FROM debian:12\nRUN something else\n")
    told = cli("infer", built, "--dockerfile", "Dockerfile", "-o", "sarif")
    assert "cannot be told" in told.err
    assert set(places(told.value).values()) == {("", 0)}
    assert told.code == 0


@pytest.mark.parametrize(("options", "code"), [(["--dockerfile", "none"], 3), (["--platform", "all"], 2)])
def test_what_cannot_be_meant_is_refused(cli: Cli, built: str, options: list[str], code: int) -> None:
    told = cli("infer", built, "--dockerfile", "Dockerfile", *options)
    assert (told.code, told.out) == (code, "")


def test_json_is_what_it_is_without(cli: Cli, built: str) -> None:
    """A report says nothing of the author's files."""
    with_it = cli("infer", built, "-o", "json", "--dockerfile", "Dockerfile")
    assert json.loads(with_it.out) == cli("infer", built, "-o", "json").value
