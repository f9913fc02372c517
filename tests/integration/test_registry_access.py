"""Passwords, certificates and absent servers, against a real registry."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from compatbuild.errors import AuthenticationError, RegistryError
from compatbuild.registry.attach import attach, pull
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.peers.certificates import Tls, loopback_tls
from tests.peers.servers import debian_registry
from tests.unit.registry.building import CREATED, SPEC_TEXT, push_image

pytestmark = pytest.mark.peer

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    with debian_registry(htpasswd={"me": PASSWORD}) as address:
        yield address


@pytest.fixture(autouse=True)
def no_credentials_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


def store_of(address: str, options: RegistryOptions | None = None) -> Store:
    return open_store(parse_reference(f"{address}/team/app:v1"), options)


def logged_in(directory: Path, address: str, password: str) -> RegistryOptions:
    path = directory / "config.json"
    path.write_text(json.dumps({"auths": {address: {"auth": base64.b64encode(f"me:{password}".encode()).decode()}}}))
    return RegistryOptions(registry_config=path)


def test_the_right_password(guarded: str, tmp_path: Path) -> None:
    store = store_of(guarded, logged_in(tmp_path, guarded, PASSWORD))
    image = push_image(store, "v1")
    attach(store, image, SPEC_TEXT, {}, CREATED)
    assert pull(store, image)[0] == SPEC_TEXT


@pytest.mark.timeout(15)
def test_a_wrong_password_fails_at_once(guarded: str, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError) as caught:
        push_image(store_of(guarded, logged_in(tmp_path, guarded, "battery staple")), "v1")
    assert str(tmp_path / "config.json") in caught.value.why
    assert "battery" not in str(caught.value)
    assert guarded in caught.value.what


def test_no_password(guarded: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        store_of(guarded).resolve("v1")
    assert f"docker login {guarded}" in caught.value.remedy


@pytest.mark.timeout(15)
def test_a_registry_that_is_down_is_known_in_15_seconds() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RegistryError) as caught:
            store_of(address).resolve("v1")
    assert address in caught.value.what


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return loopback_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def encrypted(tls: Tls) -> Iterator[str]:
    with debian_registry(tls=tls) as address:
        yield address


def test_a_private_authority(encrypted: str, tls: Tls) -> None:
    store = store_of(encrypted, RegistryOptions(ca_file=tls.ca))
    image = push_image(store, "v1")
    attach(store, image, SPEC_TEXT, {}, CREATED)
    assert pull(store, image)[0] == SPEC_TEXT


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_any_certificate_where_that_was_asked_for(encrypted: str) -> None:
    assert push_image(store_of(encrypted, RegistryOptions(insecure=True)), "v2").size


@pytest.mark.timeout(15)
def test_an_unknown_authority_fails_at_once(encrypted: str) -> None:
    with pytest.raises(RegistryError) as caught:
        store_of(encrypted).resolve("v1")
    assert "TLS failed" in caught.value.why
    assert "--ca-file" in caught.value.remedy


def test_http_to_a_registry_that_speaks_tls(encrypted: str) -> None:
    with pytest.raises(RegistryError):
        store_of(encrypted, RegistryOptions(plain_http=True)).resolve("v1")
