from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import AuthenticationError, NotFoundError
from compatbuild.registry.credentials import Credential, find_credential, normalize_key

SECRET = "correct horse"


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(directory: Path, document: Any, name: str = "config.json") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def helper(directory: Path, name: str, body: str) -> None:
    path = directory / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\nread server\n{body}\n")
    path.chmod(0o755)


def find(path: Path, host: str = "reg.example.com", repository: str = "team/app") -> Credential:
    return find_credential(host, repository, path)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": auth(f"me:{SECRET}")}, {"username": "me", "password": SECRET}),
        ({"auth": auth("me:a:b")}, {"username": "me", "password": "a:b"}),
        ({"username": "me", "password": SECRET}, {"username": "me", "password": SECRET}),
        ({"auth": auth("0000:"), "identitytoken": SECRET}, {"username": "0000", "identity_token": SECRET}),
        ({"auth": auth(f"<token>:{SECRET}")}, {"identity_token": SECRET}),
        ({"registrytoken": SECRET}, {"registry_token": SECRET}),
    ],
)
def test_entries(tmp_path: Path, entry: dict[str, str], expected: dict[str, str]) -> None:
    path = config(tmp_path, {"auths": {"reg.example.com": entry}})
    assert find(path) == Credential(f"{path} (reg.example.com)", **expected)


@pytest.mark.parametrize(
    "key", ["reg.example.com", "https://reg.example.com", "http://reg.example.com/v1/", "https://reg.example.com/v2/"]
)
def test_keys_as_docker_writes_them(tmp_path: Path, key: str) -> None:
    assert find(config(tmp_path, {"auths": {key: {"auth": auth("me:pw")}}})).username == "me"


def test_docker_hub_has_many_names(tmp_path: Path) -> None:
    path = config(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": auth("me:pw")}}})
    assert find(path, "docker.io", "library/alpine").username == "me"
    assert normalize_key("registry-1.docker.io") == normalize_key("https://index.docker.io/v1/") == "docker.io"


def test_the_longest_path_wins(tmp_path: Path) -> None:
    names = {"reg.example.com": "host", "reg.example.com/team": "team", "reg.example.com/team/app": "app"}
    path = config(tmp_path, {"auths": {key: {"auth": auth(f"{name}:pw")} for key, name in names.items()}})
    assert find(path).username == "app"
    assert find(path, repository="team/other").username == "team"
    assert find(path, repository="teams/app").username == "host"
    assert find(path, host="reg.example.com:5000").anonymous


def test_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    helper(tmp_path, "one", 'echo "{\\"Username\\": \\"$server\\", \\"Secret\\": \\"s\\"}"')
    helper(tmp_path, "token", 'echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"s\\"}"')
    document = {
        "credHelpers": {"reg.example.com": "one"},
        "credsStore": "token",
        "auths": {"x.io": {"auth": auth("a:b")}},
    }
    path = config(tmp_path, document)
    assert find(path) == Credential("docker-credential-one", "reg.example.com", "s")
    assert find(path, "x.io") == Credential("docker-credential-token", identity_token="s")
    config(tmp_path, {"credHelpers": {"docker.io": "one"}})
    assert find(path, "docker.io").username == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("echo credentials not found in native keychain; exit 1", "no credentials found"),
        ("echo the keychain is locked >&2; exit 1", "docker-credential-bad failed (exit status 1)"),
        ("echo nonsense", "docker-credential-bad failed (JSONDecodeError)"),
        ("echo '[]'", "no credentials found"),
    ],
)
def test_a_helper_without_an_answer_means_anonymous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, note: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    helper(tmp_path, "bad", body)
    found = find(config(tmp_path, {"credsStore": "bad"}))
    assert found.anonymous
    assert note in found.source


def test_a_missing_helper_does_not_stand_in_the_way(tmp_path: Path) -> None:
    found = find(config(tmp_path, {"credsStore": "desktop"}))
    assert found.anonymous
    assert "docker-credential-desktop failed" in found.source


def test_the_order_of_the_files(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    entry: dict[str, Any] = {"auths": {"reg.example.com": {}}}

    def username() -> str:
        return find_credential("reg.example.com", "team/app", None, environ).username

    def written(directory: str, name: str, user: str) -> Path:
        return config(tmp_path / directory, {"auths": {"reg.example.com": {"auth": auth(f"{user}:pw")}}}, name)

    assert username() == ""
    written("run/containers", "auth.json", "podman")
    assert username() == "podman"
    environ["REGISTRY_AUTH_FILE"] = str(written("elsewhere", "auth.json", "named"))
    assert username() == "named"
    config(tmp_path / "home/.docker", entry)
    assert username() == "named", "an entry without content is what docker leaves behind for a helper"
    written("home/.docker", "config.json", "docker")
    assert username() == "docker"
    environ["DOCKER_CONFIG"] = str(written("conf", "config.json", "moved").parent)
    assert username() == "moved"
    assert find_credential("reg.example.com", "x", written("a", "b", "explicit"), environ).username == "explicit"


def test_a_named_file_is_the_only_one(tmp_path: Path) -> None:
    config(tmp_path / "docker", {"auths": {"reg.example.com": {"auth": auth("me:pw")}}})
    assert find(config(tmp_path, {})).anonymous
    with pytest.raises(NotFoundError):
        find(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"auths": [1]}',
        '{"auths": {"reg.example.com": {"auth": "!!!"}}}',
        '{"credsStore": "../evil"}',
        "[" * 99_999,
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, document: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        find(config(tmp_path, document))
    assert "config.json" in str(caught.value)


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    found = Credential("here", "me", SECRET, SECRET, SECRET)
    assert SECRET not in repr(found)
    with pytest.raises(AuthenticationError) as caught:
        find(config(tmp_path, {"auths": {"reg.example.com": {"auth": auth(SECRET)}}}))
    assert SECRET not in str(caught.value)
    assert auth(SECRET) not in str(caught.value)
