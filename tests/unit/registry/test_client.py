"""Requests under faults, and what a second server must never see."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import requests

from compatbuild.errors import AuthenticationError, NotFoundError, RegistryError
from compatbuild.registry import retry
from compatbuild.registry.client import CONNECT_SECONDS, RegistryClient, _explained
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.retry import TRIES
from compatbuild.registry.trust import Origin
from tests.unit.registry.faults import FaultRegistry, Reply, endless, fault_registry, reset, status, truncated

URL = "/v2/team/app/manifests/v1"
BASIC = "Basic " + base64.b64encode(b"me:correct horse").decode()
BUSY = status(429, Retry_After="0")


def client_of(server: FaultRegistry, options: RegistryOptions | None = None) -> RegistryClient:
    return RegistryClient(server.address, options or RegistryOptions(plain_http=True))


def get(server: FaultRegistry, options: RegistryOptions | None = None, method: str = "GET", path: str = URL) -> int:
    return client_of(server, options).do_request(f"http://{server.address}{path}", method).status_code


def logged_in(directory: Path, server: FaultRegistry, **entry: str) -> RegistryOptions:
    path = directory / "config.json"
    path.write_text(json.dumps({"auths": {server.address: entry or {"auth": BASIC.removeprefix("Basic ")}}}))
    return RegistryOptions(plain_http=True, registry_config=path)


def wants(authorization: str, challenge: str) -> Reply:
    """Answer 200 to the right authorization and a challenge to any other."""
    return lambda handler: (
        handler.reply(200)
        if handler.headers.get("Authorization", "") == authorization
        else handler.reply(401, headers={"WWW-Authenticate": challenge})
    )


@pytest.mark.parametrize("reply", [reset, status(503), BUSY, status(500), truncated(b"x" * 100, 50)])
def test_a_passing_fault_is_waited_out(server: FaultRegistry, reply: Reply) -> None:
    server.fault("GET", URL, reply, times=2)
    server.manifests["v1"] = (b"{}", "application/json")
    assert get(server) == 200
    assert len(server.asked("GET")) == 3


@pytest.mark.parametrize("reply", [reset, status(503), BUSY, truncated(b"x" * 100, 50)])
def test_a_lasting_fault_is_told(server: FaultRegistry, reply: Reply) -> None:
    server.fault("GET", URL, reply)
    with pytest.raises(RegistryError) as caught:
        get(server)
    assert f"tried {TRIES} times" in caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize("code", [400, 404, 405, 409, 413, 418, 301])
def test_other_answers_are_final(server: FaultRegistry, code: int) -> None:
    server.fault("PUT", URL, status(code))
    assert get(server, method="PUT") == code
    assert len(server.asked("PUT")) == 1


def test_a_dead_registry_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what its pauses add up to, and not by a clock: it is known in less than 10 seconds."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.2)
    pauses: list[float] = []
    monkeypatch.setattr("compatbuild.registry.retry.time.sleep", pauses.append)
    with fault_registry() as gone:
        address = gone.address
    with pytest.raises(RegistryError) as caught:
        RegistryClient(address, RegistryOptions(plain_http=True)).do_request(f"http://{address}{URL}")
    assert max(pauses) <= retry.UNREACHED_BUDGET
    assert max(sum(pauses) - pauses[-1], CONNECT_SECONDS) + retry.UNREACHED_BUDGET <= 10
    assert address in caught.value.what
    assert "refused" in caught.value.why


def test_an_unknown_host_is_told() -> None:
    with pytest.raises(RegistryError) as caught:
        RegistryClient("registry.invalid", RegistryOptions()).do_request("https://registry.invalid/v2/")
    assert "registry.invalid cannot be reached" in caught.value.what


def test_tls_errors_are_final(server: FaultRegistry) -> None:
    with pytest.raises(RegistryError) as caught:
        client_of(server, RegistryOptions(insecure=True)).do_request(f"https://{server.address}{URL}")
    assert "TLS" in caught.value.why
    assert "tried" not in caught.value.why


def test_a_missing_authority_is_told(server: FaultRegistry, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        client_of(server, RegistryOptions(ca_file=tmp_path / "missing.pem"))


def test_loopback_needs_no_permission_for_http(server: FaultRegistry) -> None:
    assert client_of(server, RegistryOptions()).origin.scheme == "http"
    assert RegistryClient("reg.example.com", RegistryOptions()).origin.scheme == "https"
    assert RegistryClient("docker.io", RegistryOptions()).origin.host == "registry-1.docker.io"


def test_a_body_without_end_is_cut_off(server: FaultRegistry) -> None:
    server.fault("GET", URL, endless)
    with pytest.raises(RegistryError, match="sent more than 1000 bytes"):
        client_of(server).do_request(f"http://{server.address}{URL}", limit=1000)


def test_a_dripping_body_is_given_up(server: FaultRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.registry.client.BODY_SECONDS", 0.0)
    server.fault("GET", URL, status(200, b"drop"))
    with pytest.raises(RegistryError, match="too slow"):
        get(server)


# -- authentication


def test_basic(server: FaultRegistry, tmp_path: Path) -> None:
    server.fault("GET", URL, wants(BASIC, 'Basic realm="Registry Realm"'))
    client = client_of(server, logged_in(tmp_path, server))
    for _ in range(2):
        assert client.do_request(f"http://{server.address}{URL}").status_code == 200
    assert [one.authorization for one in server.seen] == ["", BASIC, BASIC]


def test_a_wrong_password_is_sent_once(server: FaultRegistry, tmp_path: Path) -> None:
    server.fault("GET", URL, status(401, WWW_Authenticate='Basic realm="x"'))
    options = logged_in(tmp_path, server)
    with pytest.raises(AuthenticationError) as caught:
        get(server, options)
    assert [one.authorization for one in server.seen] == ["", BASIC]
    assert server.address.partition(":")[0] in caught.value.what
    assert "pull team/app" in caught.value.what
    assert str(options.registry_config) in caught.value.why
    assert "correct horse" not in str(caught.value)
    assert BASIC.split()[1] not in str(caught.value)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "", "Negotiate", 'Basic realm="zot", Digest x=y'])
def test_without_credentials_there_is_one_line_about_logging_in(server: FaultRegistry, challenge: str) -> None:
    server.fault("GET", URL, status(401, WWW_Authenticate=challenge))
    with pytest.raises(AuthenticationError) as caught:
        get(server)
    assert len(server.seen) == 1
    assert "docker login" in caught.value.remedy


def test_forbidden_is_final(server: FaultRegistry) -> None:
    server.fault("PUT", URL, status(403))
    with pytest.raises(AuthenticationError) as caught:
        get(server, method="PUT")
    assert "pull and push team/app" in caught.value.what
    assert len(server.seen) == 1


def test_netrc_is_not_read(server: FaultRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get(server) == 404
    assert server.seen[0].authorization == ""


def bearer(server: FaultRegistry, scope: str = "", realm: str = "") -> str:
    return f'Bearer realm="{realm or "http://" + server.address + "/token"}",service="reg",scope="{scope}"'


def test_a_token_is_fetched_for_what_is_done_and_kept(server: FaultRegistry, tmp_path: Path) -> None:
    server.fault("GET", "/token", status(200, b'{"token": "T1", "expires_in": 300}'), times=1)
    server.fault("GET", "/token", status(200, b'{"access_token": "T2"}'))
    server.fault("GET", URL, wants("Bearer T1", bearer(server, "repository:team/app:pull")))
    server.fault("PUT", URL, wants("Bearer T2", bearer(server, "repository:team/app:pull")))
    client = client_of(server, logged_in(tmp_path, server))
    for method in ("GET", "GET", "PUT", "PUT"):
        assert client.do_request(f"http://{server.address}{URL}", method).status_code == 200
    first, second = server.asked("GET", "/token")
    assert first.path.endswith("service=reg&scope=repository%3Ateam%2Fapp%3Apull")
    assert second.path.endswith("scope=repository%3Ateam%2Fapp%3Apull%2Cpush")
    assert first.authorization == second.authorization == BASIC


def test_an_expired_token_is_replaced(server: FaultRegistry) -> None:
    for token in ("T1", "T2"):
        server.fault("GET", "/token", status(200, json.dumps({"token": token}).encode()), times=1)
    server.fault("GET", URL, wants("Bearer T1", bearer(server)), times=2)
    server.fault("GET", URL, wants("Bearer T2", bearer(server)))
    client = client_of(server)
    for _ in range(2):
        assert client.do_request(f"http://{server.address}{URL}").status_code == 200


def test_identity_tokens_are_posted(server: FaultRegistry, tmp_path: Path) -> None:
    server.fault("POST", "/token", status(200, b'{"access_token": "T1"}'))
    server.fault("GET", URL, wants("Bearer T1", bearer(server, realm="/token")))
    assert get(server, logged_in(tmp_path, server, identitytoken="refresh me")) == 200
    [posted] = server.asked("POST", "/token")
    assert b"grant_type=refresh_token" in posted.body
    assert b"refresh_token=refresh+me" in posted.body
    assert "refresh" not in posted.path


def test_a_registry_token_is_sent_as_it_is(server: FaultRegistry, tmp_path: Path) -> None:
    server.fault("GET", URL, wants("Bearer R", bearer(server)))
    assert get(server, logged_in(tmp_path, server, registrytoken="R")) == 200
    server.fault("GET", "/v2/team/app/tags/", status(401, WWW_Authenticate=bearer(server)))
    with pytest.raises(AuthenticationError):
        get(server, logged_in(tmp_path, server, registrytoken="R"), path="/v2/team/app/tags/list")


@pytest.mark.parametrize("code", [400, 401, 403])
def test_a_refusing_token_service_is_asked_once(server: FaultRegistry, tmp_path: Path, code: int) -> None:
    server.fault("GET", "/token", status(code))
    server.fault("GET", URL, wants("Bearer T1", bearer(server)))
    with pytest.raises(AuthenticationError):
        get(server, logged_in(tmp_path, server))
    assert len(server.asked("GET", "/token")) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"token": ""}', b'{"token": "a\\nb"}', b'{"token": 7}'])
def test_a_token_that_is_none(server: FaultRegistry, body: bytes) -> None:
    server.fault("GET", "/token", status(200, body))
    server.fault("GET", URL, wants("Bearer T1", bearer(server)))
    with pytest.raises(RegistryError):
        get(server)


def test_a_busy_token_service_is_waited_for(server: FaultRegistry) -> None:
    server.fault("GET", "/token", status(503), times=2)
    server.fault("GET", "/token", status(200, b'{"token": "T1"}'))
    server.fault("GET", URL, wants("Bearer T1", bearer(server)))
    assert get(server) == 200


# -- other hosts


def test_no_credentials_for_a_realm_elsewhere(server: FaultRegistry, tmp_path: Path) -> None:
    with fault_registry() as other:
        elsewhere = f"http://localhost:{other.address.partition(':')[2]}/token"
        for entry in ({}, {"identitytoken": "refresh me"}):
            server.fault("GET", URL, status(401, WWW_Authenticate=bearer(server, realm=elsewhere)))
            with pytest.raises(RegistryError, match="refused"):
                get(server, logged_in(tmp_path, server, **entry))
        assert other.seen == []


def test_a_realm_in_the_cloud_of_the_registry_is_not_asked(server: FaultRegistry) -> None:
    challenge = bearer(server, realm="http://169.254.169.254/latest/meta-data")
    server.fault("GET", URL, status(401, WWW_Authenticate=challenge))
    with pytest.raises(RegistryError, match="refused"):
        get(server)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "BEARER"])
def test_a_redirected_download_carries_no_credentials(server: FaultRegistry, tmp_path: Path, challenge: str) -> None:
    with fault_registry() as other:
        other.fault("GET", "/storage", status(200, b"content"))
        right = BASIC if challenge.startswith("Basic") else "Bearer T1"
        ask = challenge if challenge.startswith("Basic") else bearer(server)
        server.fault("GET", "/token", status(200, b'{"token": "T1"}'))
        server.fault("GET", URL, status(401, WWW_Authenticate=ask), times=1)
        server.fault("GET", URL, status(307, Location=f"http://{other.address}/storage?signature=1"))
        assert get(server, logged_in(tmp_path, server)) == 200
        assert server.asked("GET", URL)[-1].authorization == right
        assert [one.authorization for one in other.seen] == [""]


def test_a_redirect_to_one_that_asks_for_credentials_gets_none(server: FaultRegistry, tmp_path: Path) -> None:
    with fault_registry() as other:
        other.fault("GET", "/", status(401, WWW_Authenticate='Basic realm="x"'))
        server.fault("GET", URL, status(302, Location=f"http://{other.address}/x"))
        with pytest.raises(RegistryError, match="answered 401"):
            get(server, logged_in(tmp_path, server))
        assert [one.authorization for one in other.seen] == [""]


def test_redirects_in_a_circle_end(server: FaultRegistry) -> None:
    server.fault("GET", URL, status(302, Location=URL))
    with pytest.raises(RegistryError, match="redirects more than"):
        get(server)


def test_a_redirect_to_nowhere(server: FaultRegistry) -> None:
    server.fault("GET", URL, status(302, Location="ftp://x/"))
    with pytest.raises(RegistryError):
        get(server)


def test_a_proxy_does_not_see_this_machines_servers(server: FaultRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert get(server) == 404


def test_an_unreached_docker_hub_is_perhaps_not_what_was_meant() -> None:
    failed = requests.exceptions.ConnectionError("no such host")
    assert "Docker Hub" in _explained(failed, Origin("https", "registry-1.docker.io", 443)).remedy
    assert "Docker Hub" not in _explained(failed, Origin("https", "registry.example", 443)).remedy
