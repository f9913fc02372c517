from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.images import image_config
from tests.builders.layers import Layer, file, layer, whiteout
from tests.unit.registry.faults import FaultRegistry, fault_registry


@pytest.fixture(autouse=True)
def no_credentials_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    for name in ("DOCKER_HOST", "CONTAINER_HOST"):  # nor a daemon of ours
        monkeypatch.setenv(name, f"unix://{tmp_path}/none")


@pytest.fixture
def server() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        yield registry


@pytest.fixture
def layers() -> list[Layer]:
    """Two layers: a gzip one, and a zstd one that hides a file of the first."""
    return [
        layer(file("etc/os-release", b"ID=some\n"), file("gone")),
        layer(whiteout("gone"), file("b"), compress="zstd"),
    ]


@pytest.fixture
def config(layers: list[Layer]) -> bytes:
    return image_config(layers, {"Entrypoint": ["/b"]})
