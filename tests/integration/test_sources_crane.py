"""Images that crane makes, pushes and saves, read from every place it puts them: the same view each time."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.images import image_config, oci_layout
from tests.builders.layers import Layer, directory, file, hardlink, layer, opaque, symlink, whiteout
from tests.peers import peer
from tests.peers.servers import fallback_registry
from tests.unit.sources.reading import Opened, read

pytestmark = pytest.mark.peer

LAYERS: list[Layer] = [
    layer(directory("etc"), file("etc/os-release", b"ID=some\n"), file("a/old"), file("gone")),
    layer(opaque("a"), file("a/new", b"x" * 3_000_000), whiteout("gone"), compress="zstd"),
    layer(hardlink("b", "a/new"), symlink("c", "a"), compress="plain"),
]


def crane(*arguments: str | Path) -> str:
    done = subprocess.run([peer("crane"), *arguments], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = oci_layout(tmp_path_factory.mktemp("image") / "layout", LAYERS, image_config(LAYERS, {"Cmd": ["/b"]}))
    with fallback_registry() as address:
        crane("push", path, f"{address}/team/app:v1")
        yield f"{address}/team/app:v1"


@pytest.fixture(scope="module")
def from_registry(reference: str) -> Opened:
    return read(f"registry:{reference}")


def test_the_view_is_that_of_the_layers(from_registry: Opened, reference: str) -> None:
    assert set(from_registry.view.nodes) == {"/", "/etc", "/etc/os-release", "/a", "/a/new", "/b", "/c"}
    assert from_registry.view.nodes["/b"].size == 3_000_000
    assert from_registry.view.os_release == {"ID": "some"}
    assert from_registry.view.config.argv == ("/b",)
    assert from_registry.digest == crane("digest", reference)


def test_a_digest_is_as_good_as_a_tag(from_registry: Opened, reference: str) -> None:
    assert read(f"{reference.removesuffix(':v1')}@{from_registry.digest}").view == from_registry.view


@pytest.mark.parametrize(
    ("form", "prefix"), [("tarball", "docker-archive"), ("oci", "oci-dir"), ("legacy", "docker-archive")]
)
def test_what_crane_saves_is_the_same_image(
    form: str, prefix: str, from_registry: Opened, reference: str, tmp_path: Path
) -> None:
    crane("pull", f"--format={form}", reference, tmp_path / "saved")
    for text in (f"{prefix}:{tmp_path / 'saved'}", str(tmp_path / "saved")):
        opened = read(text)
        assert opened.scheme == prefix
        assert opened.view.nodes == from_registry.view.nodes
        assert opened.view.files == from_registry.view.files
        assert opened.view.layers == from_registry.view.layers
    assert opened.digest == (from_registry.digest if form == "oci" else "")


def test_an_index_that_crane_makes_is_chosen_from(reference: str) -> None:
    name = reference.removesuffix(":v1")
    crane("index", "append", "-m", reference, "-t", f"{name}:index")
    opened = read(f"{name}:index", "linux/amd64")
    assert opened.digest == crane("digest", reference)


def test_a_flattened_image_has_the_same_paths(from_registry: Opened, reference: str, tmp_path: Path) -> None:
    """``crane export`` writes the merged tree, by its own rules for whiteouts and opaque directories."""
    crane("export", reference, tmp_path / "tree.tar")
    with tarfile.open(tmp_path / "tree.tar") as archive:
        names = {f"/{name.strip('/')}" for name in archive.getnames()}
    implied = {"/", "/a"}  # no layer has an entry for these directories
    assert names | implied == set(from_registry.view.nodes)
