"""The registries are what their names say: this is what the other tests rest on."""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import ssl
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.peers import peer, require, servers
from tests.peers.certificates import Tls, loopback_tls

pytestmark = pytest.mark.peer

TYPE = "application/vnd.nfd.image-compatibility.v1alpha1"
OTHER_TYPE = "application/vnd.example.other"


def run(home: Path, *command: str | Path) -> str:
    environment = {"HOME": str(home)}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def push_image(home: Path, address: str) -> str:
    """Push an image of one empty file as app:v1; gives its digest."""
    with tarfile.open(home / "layer.tar", "w") as layer:
        layer.addfile(tarfile.TarInfo("file"), io.BytesIO())
    run(home, peer("crane"), "append", "--oci-empty-base", "-f", "layer.tar", "-t", f"{address}/app:v1")
    return run(home, peer("crane"), "digest", f"{address}/app:v1")


def attach(home: Path, address: str, artifact_type: str) -> None:
    (home / "spec.yaml").write_text("version: v1alpha1\n")
    options = ["--plain-http", "--artifact-type", artifact_type]
    run(home, peer("oras"), "attach", *options, f"{address}/app:v1", "spec.yaml:text/yaml")


def discover(home: Path, address: str) -> list[str]:
    """The artifact types oras finds, by whichever way the registry offers."""
    found = json.loads(run(home, peer("oras"), "discover", "--plain-http", "--format", "json", f"{address}/app:v1"))
    return sorted(referrer["artifactType"] for referrer in found["referrers"])


def get(address: str, path: str, context: ssl.SSLContext | None = None, user: str = "") -> tuple[int, Any]:
    """Status and, when it is a JSON document, the body."""
    connection = (
        http.client.HTTPSConnection(address, context=context) if context else http.client.HTTPConnection(address)
    )
    headers = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if user else {}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if response.status == 200 else None


def closed(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_the_referrers_registry_lists_and_filters_referrers(tmp_path: Path) -> None:
    with servers.referrers_registry() as address:
        digest = push_image(tmp_path, address)
        attach(tmp_path, address, TYPE)
        attach(tmp_path, address, OTHER_TYPE)
        status, index = get(address, f"/v2/app/referrers/{digest}")
        assert status == 200
        assert sorted(manifest["artifactType"] for manifest in index["manifests"]) == sorted([TYPE, OTHER_TYPE])
        _, filtered = get(address, f"/v2/app/referrers/{digest}?artifactType={TYPE}")
        assert [manifest["artifactType"] for manifest in filtered["manifests"]] == [TYPE]
        assert run(tmp_path, peer("crane"), "ls", f"{address}/app") == "v1"
        assert discover(tmp_path, address) == sorted([TYPE, OTHER_TYPE])
    assert closed(address)


def test_the_referrers_registry_can_ignore_the_filter(tmp_path: Path) -> None:
    with servers.referrers_registry(filtering=False) as address:
        digest = push_image(tmp_path, address)
        attach(tmp_path, address, OTHER_TYPE)
        _, index = get(address, f"/v2/app/referrers/{digest}?artifactType={TYPE}")
        assert [manifest["artifactType"] for manifest in index["manifests"]] == [OTHER_TYPE]


def test_the_referrers_registry_ends_with_its_starter() -> None:
    with subprocess.Popen([peer("refregistry")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening 127.0.0.1:")
        process.stdin.close()
        assert process.wait(timeout=servers.DEADLINE) == 0


def test_the_fallback_registry_has_no_referrers_api(tmp_path: Path) -> None:
    with servers.fallback_registry() as address:
        digest = push_image(tmp_path, address)
        attach(tmp_path, address, TYPE)
        assert get(address, f"/v2/app/referrers/{digest}") == (404, None)
        tags = run(tmp_path, peer("crane"), "ls", f"{address}/app").splitlines()
        assert sorted(tags) == sorted(["v1", digest.replace(":", "-")])
        assert discover(tmp_path, address) == [TYPE]
    assert closed(address)


def test_debians_registry_takes_a_push_and_has_no_referrers_api(tmp_path: Path) -> None:
    with servers.debian_registry() as address:
        digest = push_image(tmp_path, address)
        assert get(address, f"/v2/app/referrers/{digest}") == (404, None)
        attach(tmp_path, address, TYPE)
        assert discover(tmp_path, address) == [TYPE]
    assert closed(address)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return loopback_tls(tmp_path_factory.mktemp("tls"))


def test_debians_registry_wants_the_password_over_tls(tmp_path: Path, tls: Tls) -> None:
    require("htpasswd")
    trusting = ssl.create_default_context(cafile=tls.ca)
    with servers.debian_registry(htpasswd={"ann": "a secret", "bob": "b:2"}, tls=tls) as address:
        assert get(address, "/v2/", trusting) == (401, None)
        assert get(address, "/v2/", trusting, user="ann:wrong") == (401, None)
        assert get(address, "/v2/", trusting, user="ann:a secret") == (200, {})
        assert get(address, "/v2/", trusting, user="bob:b:2") == (200, {})
        login = ["--ca-file", str(tls.ca), "--username", "ann", "--password", "a secret"]
        assert run(tmp_path, peer("oras"), "repo", "ls", *login, address) == ""


def test_the_made_authority_is_trusted_by_nobody_else(tls: Tls) -> None:
    with servers.debian_registry(tls=tls) as address, pytest.raises(ssl.SSLCertVerificationError):
        get(address, "/v2/", ssl.create_default_context())


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    absent = Tls(ca=tmp_path / "ca", certificate=tmp_path / "absent.crt", key=tmp_path / "key")
    with pytest.raises(RuntimeError, match=r"absent\.crt: no such file"), servers.debian_registry(tls=absent):
        pytest.fail("started without a certificate")
