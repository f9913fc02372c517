"""Where daemons listen: variables, contexts and sockets, in the order of docker's and podman's own clients."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from compatbuild.errors import SourceError, UsageError
from compatbuild.sources.endpoints import DOCKER_SOCKET, PODMAN_ROOT, docker_endpoint, podman_endpoint


@pytest.fixture(autouse=True)
def docker_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    return directory


def store(directory: Path, name: str, endpoints: object) -> None:
    place = directory / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))


def test_docker_is_where_it_usually_is() -> None:
    assert docker_endpoint().address == DOCKER_SOCKET


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
        ("/run/my.sock", "unix:///run/my.sock"),
        ("unix:///x", "unix:///x"),
    ],
)
def test_docker_host_comes_first(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch, docker_directory: Path
) -> None:
    (docker_directory / "config.json").write_text('{"currentContext": "mine"}')
    monkeypatch.setenv("DOCKER_HOST", host)
    assert (docker_endpoint().address, docker_endpoint().told_by) == (address, "DOCKER_HOST")


def test_a_context_is_the_variables_before_the_configurations(
    monkeypatch: pytest.MonkeyPatch, docker_directory: Path
) -> None:
    store(docker_directory, "mine", {"docker": {"Host": "unix:///mine.sock", "SkipTLSVerify": False}})
    store(docker_directory, "other", {"docker": {"Host": "ssh://me@other"}})
    (docker_directory / "config.json").write_text('{"currentContext": "mine"}')
    assert docker_endpoint().address == "unix:///mine.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert docker_endpoint().address == "ssh://me@other"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert docker_endpoint().address == DOCKER_SOCKET


@pytest.mark.parametrize("endpoints", [None, [], {}, {"docker": {}}, {"docker": "x"}, {"docker": {"Host": 1}}])
def test_a_context_without_an_address_is_an_error(
    endpoints: object, monkeypatch: pytest.MonkeyPatch, docker_directory: Path
) -> None:
    store(docker_directory, "mine", endpoints)
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    with pytest.raises(SourceError, match="context mine of DOCKER_CONTEXT cannot be used"):
        docker_endpoint()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"currentContext": 1}', '{"auths": {}}'])
def test_a_configuration_that_says_nothing_changes_nothing(content: str, docker_directory: Path) -> None:
    (docker_directory / "config.json").write_text(content)
    assert docker_endpoint().address == DOCKER_SOCKET


def test_certificates_that_are_not_there_are_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(SourceError, match="TLS settings cannot be used") as caught:
        docker_endpoint()
    assert str(tmp_path) in caught.value.remedy


def test_certificates_are_those_of_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2376")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    tls = docker_endpoint().tls
    assert tls is not None
    assert (tls.cert, tls.verify) == ((str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")), False)


def test_a_password_in_an_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me:secret@host")
    with pytest.raises(UsageError) as caught:
        docker_endpoint().ssh()
    assert "secret" not in str(caught.value)


def test_podman_is_the_users_own_before_roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    socket = tmp_path / "runtime/podman/podman.sock"
    usual = PODMAN_ROOT if os.geteuid() == 0 or Path(PODMAN_ROOT).exists() else str(socket)
    assert podman_endpoint().address == f"unix://{usual}"
    socket.parent.mkdir(parents=True)
    socket.touch()
    assert podman_endpoint().address == f"unix://{socket}"
    monkeypatch.setenv("CONTAINER_HOST", "unix:///elsewhere")
    assert podman_endpoint().address == "unix:///elsewhere"


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("ssh://host", "ssh -o BatchMode=yes -- host podman system dial-stdio"),
        (
            "ssh://me@host:22/run/p.sock",
            "ssh -o BatchMode=yes -l me -p 22 -- host podman --url unix:///run/p.sock system dial-stdio",
        ),
        ("ssh://[::1]/", "ssh -o BatchMode=yes -- ::1 podman system dial-stdio"),
    ],
)
def test_ssh_runs_the_clients_own_relay(address: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", address)
    assert " ".join(podman_endpoint().ssh() or ()) == command


@pytest.mark.parametrize(
    "address", ["ssh://", "ssh://-oProxyCommand=x", "ssh://h/a;b", "ssh://h/$(x)", "ssh://a b", "ssh://h/a'b"]
)
def test_an_address_never_becomes_an_option_or_a_command(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(UsageError, match="is no address"):
        docker_endpoint().ssh()
