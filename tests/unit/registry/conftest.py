from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compatbuild.registry import referrers, repository, retry, stream
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference
from compatbuild.registry.repository import RegistryRepository
from tests.unit.registry.faults import FaultRegistry, fault_registry


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the number of tries and looks, shorten the waits between them."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(referrers, "CONFIRM_PAUSES", (0.001, 0.001, 0.001))
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))
    monkeypatch.setattr(referrers, "QUIET_SECONDS", 0.002)
    monkeypatch.setattr(referrers, "CONTENDED_SECONDS", 0.01)
    monkeypatch.setattr(referrers, "BACKOFF", 0.001)
    monkeypatch.setattr(referrers, "MAX_SECONDS", 2.0)
    monkeypatch.setattr(referrers, "ABSENT_PAUSE", 0.001)
    monkeypatch.setattr(repository, "LAG_PAUSES", (0.001, 0.001))
    monkeypatch.setattr(stream, "RESUME_PAUSE", 0.001)


@pytest.fixture(autouse=True)
def no_credentials_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def server() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        yield registry


@pytest.fixture
def remote(server: FaultRegistry) -> RegistryRepository:
    return repository_of(server)


def repository_of(server: FaultRegistry, options: RegistryOptions | None = None) -> RegistryRepository:
    return RegistryRepository(Reference(server.address, "team/app", "v1"), options or RegistryOptions(plain_http=True))
