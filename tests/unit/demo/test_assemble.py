"""The demo's image as a whole; its wheels come from a package index once, then from the cache."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.assemble import assemble, main

pytestmark = pytest.mark.download


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "image"
    assemble(root, "v1")
    return root


def document(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    data = json.loads((layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_text())
    assert isinstance(data, dict)
    return data


def test_two_runs_give_one_digest(
    layout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (listed,) = json.loads((layout / "index.json").read_text())["manifests"]
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert main([str(tmp_path / "image"), "--tag", "v2"]) == 0
    assert capsys.readouterr().out == f"oci-dir:{tmp_path / 'image'}:v2 {listed['digest']}\n"


def test_the_image_says_what_runs(layout: Path) -> None:
    (listed,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = document(layout, listed)
    config = document(layout, manifest["config"])
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 3
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Entrypoint"] == ["python3", "/app/main.py"]
