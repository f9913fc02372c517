"""All platforms of an index in one run: real Debian programs for two architectures over one shared layer."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import peers
from tests.builders.debs import debs, entries
from tests.builders.images import INDEX, MANIFEST, describe, image_config, index, manifest, oci_files, write_files
from tests.builders.layers import Layer, file, layer
from tests.integration.shell import Shell, push, registry, shell
from tests.integration.tap import tap

pytestmark = [pytest.mark.peer, pytest.mark.download]

ARCHITECTURES = ("amd64", "arm64")
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


def had(architecture: str, *names: str) -> list[Path]:
    found = debs(architecture, *names)
    if isinstance(found, str):
        peers.missing(found)
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Layer:
    """A layer of a package for every architecture, and of the distribution's name."""
    root = tmp_path_factory.mktemp("shared")
    return layer(file("etc/os-release", b"ID=debian\nVERSION_ID=12\n"), *entries(had("all", "netbase"), root))


@pytest.fixture(scope="module")
def layout(shared: Layer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of both images, an attestation and an image for Windows, as builders write them."""
    blobs: list[bytes] = [shared.blob]
    listed = []
    for architecture in ARCHITECTURES:
        own = layer(*entries(had(architecture, "hello", "libc6"), tmp_path_factory.mktemp(architecture)))
        layers = [shared, own]
        config = image_config(layers, {"Entrypoint": ["/usr/bin/hello"]}, architecture=architecture)
        document = manifest(layers, config)
        blobs += [own.blob, config, document]
        listed.append(describe(document, MANIFEST, platform={"os": "linux", "architecture": architecture}))
    foreign = image_config([], architecture="amd64", os="windows")
    attestation = manifest([], foreign)
    windows = manifest([shared], image_config([shared], os="windows"))
    blobs += [foreign, attestation, windows, image_config([shared], os="windows")]
    listed.append(describe(attestation, MANIFEST, platform=UNKNOWN, annotations=ATTESTATION))
    listed.append(describe(windows, MANIFEST, platform={"os": "windows", "architecture": "amd64"}))
    top = index(*listed)
    entry = describe(top, INDEX, annotations={"org.opencontainers.image.ref.name": "v1"})
    return write_files(tmp_path_factory.mktemp("image") / "layout", oci_files([*blobs, top], [entry]))


@pytest.fixture
def run(tmp_path: Path, layout: Path) -> Shell:
    made = shell(tmp_path)
    shutil.copytree(layout, made.directory / "image")
    return made


def infer(run: Shell, *arguments: str) -> Any:
    return json.loads(run.ok("infer", *arguments, "-o", "json"))


def test_each_report_is_the_one_of_its_platform_alone(run: Shell) -> None:
    every = infer(run, "oci-dir:image:v1", "--platform", "all")
    assert every["schema"] == "compatbuild.reports/v1"
    assert [one["image"]["platform"] for one in every["reports"]] == ["linux/amd64", "linux/arm64"]
    assert [one["what"] for one in every["skipped"]] == ["windows/amd64"]
    for one in every["reports"]:
        assert one == infer(run, "oci-dir:image:v1", "--platform", one["image"]["platform"])
        assert one["facts"]["cpu.architecture"]["value"] == one["image"]["platform"].partition("/")[2]
        assert one["facts"]["libc.version"]["value"] == "2.36"


def test_both_are_in_one_table(run: Shell) -> None:
    table = run.ok("infer", "oci-dir:image:v1", "--platform", "all")
    assert re.search(r"What it needs of its host +linux/amd64 +linux/arm64", table)
    assert re.search(r"A host of architecture amd64 +proven +-", table)
    assert re.search(r"A host of architecture arm64 +- +proven", table)
    assert "not looked at: windows/amd64" in table
    markdown = run.ok("infer", "oci-dir:image:v1", "--platform", "all", "-o", "markdown")
    assert "| A host of architecture arm64 | - | proven |" in markdown


def test_one_specification_cannot_be_that_of_all_platforms(run: Shell) -> None:
    ended = run.run("infer", "oci-dir:image:v1", "--platform", "all", "-o", "spec")
    assert ended.code == 2
    assert "this command prints table, json, yaml, markdown" in ended.err


def test_a_single_image_is_a_list_of_one(run: Shell, layout: Path) -> None:
    digest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    top = json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())
    every = infer(run, f"oci-dir:image@{top['manifests'][0]['digest']}", "--platform", "all")
    assert [one["image"]["platform"] for one in every["reports"]] == ["linux/amd64"]
    assert every["digest"] == ""


@pytest.mark.parametrize("command", ["infer", "publish"])
def test_a_shared_layer_is_read_once(command: str, run: Shell, shared: Layer) -> None:
    with registry("api") as address:
        reference = push(run, run.directory / "image", address, "team/app")
        with tap(address) as wire:
            run.ok(command, reference.replace(address, wire.address), "--platform", "all", "-o", "json")
        blobs = Counter(
            request.rpartition("/")[2] for request in wire.requests if request.startswith("GET /v2/team/app/blobs/")
        )
        configs_and_layers = {digest for digest in blobs if digest != shared.digest}
        assert blobs[shared.digest] == 1
        assert len(configs_and_layers) >= 4  # two configs and two layers of their own
        layers = {row["layers"][1]["digest"] for row in manifests(run.directory / "image")}
        assert {blobs[digest] for digest in layers} == {1}


def manifests(layout: Path) -> list[Any]:
    """Return the image manifests of both architectures."""
    found = [path.read_bytes() for path in (layout / "blobs/sha256").iterdir() if path.stat().st_size < 5000]
    documents = [json.loads(content) for content in found if content.startswith(b"{")]
    return [document for document in documents if len(document.get("layers", ())) == 2]


def test_every_platform_and_the_index_get_a_specification(run: Shell) -> None:
    made = json.loads(run.ok("publish", "oci-dir:image:v1", "--platform", "all", "-o", "json"))
    specifications = [row for row in made["published"] if row["what"].startswith("specification")]
    assert sorted(row["what"] for row in specifications) == [
        "specification (index)",
        "specification (linux/amd64)",
        "specification (linux/arm64)",
    ]
    assert run.json("publish", "oci-dir:image:v1", "--platform", "all")["changed"] is False
    shown = run.ok("show", "oci-dir:image:v1")
    assert "unknown/unknown" not in shown
