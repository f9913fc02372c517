"""Every way to log in, and every way to trust a server, against Debian's docker-registry: one case each."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import AuthenticationError, CompatError, RegistryError
from compatbuild.registry.attach import attach, pull
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.peers.certificates import Tls, loopback_tls
from tests.peers.servers import debian_registry
from tests.peers.tokens import PASSWORD, REFRESH, token, token_registry, token_service
from tests.unit.registry.building import CREATED, SPEC_TEXT, push_image
from tests.unit.registry.faults import fault_registry

pytestmark = pytest.mark.peer


@dataclass(frozen=True)
class Servers:
    """Registries that differ in whom they let in, each ``host:port``."""

    tls: Tls
    open: str
    basic: str
    basic_tls: str
    encrypted: str
    bearer: str


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    tls = loopback_tls(tmp_path_factory.mktemp("tls"))
    users = {"me": PASSWORD}
    with (
        debian_registry() as free,
        debian_registry(htpasswd=users) as basic,
        debian_registry(htpasswd=users, tls=tls) as basic_tls,
        debian_registry(tls=tls) as encrypted,
        token_service(tls, []) as realm,
        token_registry(tls, realm) as bearer,
    ):
        yield Servers(tls, free, basic, basic_tls, encrypted, bearer)


@dataclass(frozen=True)
class Login:
    """A user's home directory and environment, to put credentials into."""

    home: Path
    set: Callable[[str, str], None]

    def write(self, name: str, document: dict[str, Any]) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
        return path

    def docker(self, **document: Any) -> None:
        self.write(".docker/config.json", document)

    def helper(self, name: str, username: str, secret: str) -> None:
        """Put a credential helper on PATH that knows one answer, to whatever host."""
        answer = json.dumps({"ServerURL": "x", "Username": username, "Secret": secret})
        program = self.home / "bin" / f"docker-credential-{name}"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\ntest "$1" = get && test -n "$(cat)" && echo \'{answer}\'\n')
        program.chmod(0o755)


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return Login(tmp_path, monkeypatch.setenv)


def encoded(password: str = PASSWORD, user: str = "me") -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


AUTH = {"auth": encoded()}


def plain(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.open, RegistryOptions()


def docker_config(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.basic: AUTH})
    return servers.basic, RegistryOptions()


def user_name_and_password(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.basic: {"username": "me", "password": PASSWORD}})
    return servers.basic, RegistryOptions()


def docker_config_variable(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.set("DOCKER_CONFIG", str(login.write("elsewhere/config.json", {"auths": {servers.basic: AUTH}}).parent))
    return servers.basic, RegistryOptions()


def named_file_before_all_others(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.basic: {"auth": encoded("battery staple")}})
    named = login.write("mine.json", {"auths": {servers.basic: AUTH}})
    return servers.basic, RegistryOptions(registry_config=named)


def key_with_scheme_and_version(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={f"http://{servers.basic}/v1/": AUTH})
    return servers.basic, RegistryOptions()


def longest_path(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    wrong = {"auth": encoded("battery staple")}
    auths = {servers.basic: wrong, f"{servers.basic}/team": AUTH, f"{servers.basic}/te": wrong}
    login.docker(auths=auths)
    return servers.basic, RegistryOptions()


def podman_file_by_variable(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.set("REGISTRY_AUTH_FILE", str(login.write("podman.json", {"auths": {servers.basic: AUTH}})))
    return servers.basic, RegistryOptions()


def podman_file_of_the_session(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.write("run/containers/auth.json", {"auths": {servers.basic: AUTH}})
    login.set("XDG_RUNTIME_DIR", str(login.home / "run"))
    return servers.basic, RegistryOptions()


def helper_of_the_host(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.helper("mine", "me", PASSWORD)
    login.docker(credHelpers={servers.basic: "mine"})
    return servers.basic, RegistryOptions()


def store_of_all_hosts(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.helper("all", "me", PASSWORD)
    login.docker(credsStore="all")
    return servers.basic, RegistryOptions()


def helper_of_the_host_before_the_store(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.helper("all", "me", "battery staple")
    login.helper("mine", "me", PASSWORD)
    login.docker(credHelpers={servers.basic: "mine"}, credsStore="all")
    return servers.basic, RegistryOptions()


def helper_that_is_not_installed(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(credsStore="gone", auths={servers.basic: AUTH})
    return servers.basic, RegistryOptions()


def netrc_is_not_read(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    host = servers.bearer.partition(":")[0]
    (login.home / ".netrc").write_text(f"machine {host} login other password battery\n")
    login.docker(auths={servers.bearer: AUTH})
    return servers.bearer, RegistryOptions()


def bearer_with_a_password(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.bearer: AUTH})
    return servers.bearer, RegistryOptions()


def identity_token(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.bearer: {"auth": encoded("x", "00000000"), "identitytoken": REFRESH}})
    return servers.bearer, RegistryOptions()


def identity_token_of_a_helper(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.helper("mine", "<token>", REFRESH)
    login.docker(credHelpers={servers.bearer: "mine"})
    return servers.bearer, RegistryOptions()


def registry_token(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    allowed = [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}]
    login.docker(auths={servers.bearer: {"registrytoken": token(servers.tls, allowed)}})
    return servers.bearer, RegistryOptions()


def private_authority(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.encrypted, RegistryOptions(ca_file=servers.tls.ca)


def private_authority_by_variable(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.set("REQUESTS_CA_BUNDLE", str(servers.tls.ca))
    return servers.encrypted, RegistryOptions()


def password_and_private_authority(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.basic_tls: AUTH})
    return servers.basic_tls, RegistryOptions(ca_file=servers.tls.ca)


def any_certificate(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.encrypted, RegistryOptions(insecure=True)


GOOD = (
    plain,
    docker_config,
    user_name_and_password,
    docker_config_variable,
    named_file_before_all_others,
    key_with_scheme_and_version,
    longest_path,
    podman_file_by_variable,
    podman_file_of_the_session,
    helper_of_the_host,
    store_of_all_hosts,
    helper_of_the_host_before_the_store,
    helper_that_is_not_installed,
    netrc_is_not_read,
    bearer_with_a_password,
    identity_token,
    identity_token_of_a_helper,
    registry_token,
    private_authority,
    private_authority_by_variable,
    password_and_private_authority,
    any_certificate,
)
Way = Callable[[Servers, Login], tuple[str, RegistryOptions]]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("way", GOOD, ids=lambda way: way.__name__)
def test_it_is_pushed_and_pulled(servers: Servers, login: Login, way: Way) -> None:
    address, options = way(servers, login)
    store = open_store(parse_reference(f"{address}/team/app:v1"), options)
    image = push_image(store, "v1")
    attach(store, image, SPEC_TEXT, {}, CREATED)
    assert pull(store, image)[0] == SPEC_TEXT


def unknown_authority(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.encrypted, RegistryOptions()


def nobody(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.basic, RegistryOptions()


def nobody_with_a_token(servers: Servers, _: Login) -> tuple[str, RegistryOptions]:
    return servers.bearer, RegistryOptions()


def wrong_password(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.basic: {"auth": encoded("battery staple")}})
    return servers.basic, RegistryOptions()


def wrong_password_for_a_token(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.bearer: {"auth": encoded("battery staple")}})
    return servers.bearer, RegistryOptions()


def wrong_identity_token(servers: Servers, login: Login) -> tuple[str, RegistryOptions]:
    login.docker(auths={servers.bearer: {"identitytoken": "battery staple"}})
    return servers.bearer, RegistryOptions()


BAD: dict[Way, tuple[type[CompatError], str]] = {
    unknown_authority: (RegistryError, "--ca-file"),
    nobody: (AuthenticationError, "docker login"),
    nobody_with_a_token: (AuthenticationError, "docker login"),
    wrong_password: (AuthenticationError, "check the account"),
    wrong_password_for_a_token: (AuthenticationError, "check the account"),
    wrong_identity_token: (AuthenticationError, "check the account"),
}


@pytest.mark.parametrize("way", BAD, ids=lambda way: way.__name__)
def test_it_is_refused_and_told(servers: Servers, login: Login, way: Way) -> None:
    address, options = way(servers, login)
    kind, remedy = BAD[way]
    with pytest.raises(kind) as caught:
        push_image(open_store(parse_reference(f"{address}/team/app:v1"), options), "v1")
    assert caught.value.exit_code == 1
    assert remedy in caught.value.remedy
    assert address in caught.value.what
    assert "battery" not in str(caught.value)


def test_a_stranger_may_pull_what_strangers_may_pull(servers: Servers, login: Login) -> None:
    login.docker(auths={servers.bearer: AUTH})
    image = push_image(open_store(parse_reference(f"{servers.bearer}/team/app:v1")), "v1")
    login.docker(auths={})
    assert open_store(parse_reference(f"{servers.bearer}/team/app:v1")).resolve("v1").descriptor == image


def test_a_proxy_is_used_for_others_than_this_machine(login: Login) -> None:
    with fault_registry() as proxy:
        for name in ("http_proxy", "HTTP_PROXY"):
            login.set(name, f"http://{proxy.address}")
        for name in ("no_proxy", "NO_PROXY"):
            login.set(name, "")
        proxy.manifests["v1"] = (b"{}", "application/json")
        store = open_store(parse_reference("registry.invalid/team/app:v1"), RegistryOptions(plain_http=True))
        with pytest.raises(CompatError):
            store.resolve("v1")  # which is no manifest
        assert proxy.asked("GET", r"^http://registry\.invalid(:80)?/v2/team/app/manifests/v1$")
