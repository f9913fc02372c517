"""Bearer tokens as docker-registry demands them: for exactly what is done, from a service that asks for a password."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from compatbuild.errors import AuthenticationError, NotFoundError
from compatbuild.registry.attach import attach, pull
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.peers.certificates import loopback_tls
from tests.peers.tokens import PASSWORD, token_registry, token_service
from tests.unit.registry.building import CREATED, SPEC_TEXT, push_image

pytestmark = pytest.mark.peer


def store_of(address: str, directory: Path, password: str) -> Store:
    path = directory / "config.json"
    path.write_text(json.dumps({"auths": {address: {"auth": base64.b64encode(f"me:{password}".encode()).decode()}}}))
    return open_store(parse_reference(f"{address}/team/app:v1"), RegistryOptions(registry_config=path))


def test_each_token_is_for_what_is_done(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    tls = loopback_tls(tmp_path)
    with token_service(tls, asked) as realm, token_registry(tls, realm) as address:
        store = store_of(address, tmp_path, PASSWORD)
        with pytest.raises(NotFoundError):
            store.resolve("v1")
        image = push_image(store, "v1")
        attach(store, image, SPEC_TEXT, {}, CREATED)
        assert pull(store, image)[0] == SPEC_TEXT
        assert sorted(asked) == [["repository:team/app:pull"], ["repository:team/app:pull,push"]]


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    tls = loopback_tls(tmp_path)
    with token_service(tls, asked) as realm, token_registry(tls, realm) as address:
        with pytest.raises(AuthenticationError):
            store_of(address, tmp_path, "battery staple").resolve("v1")
        assert len(asked) == 1
