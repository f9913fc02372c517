"""Credentials from docker's and podman's files and from credential helpers.

Formats: docker CLI ``cli/config/configfile``, docker-credential-helpers' ``get`` protocol, containers-auth.json(5).
Looked up only when a registry asks. A secret is in a ``Credential`` and in the request that uses it, and nowhere else.
"""

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compatbuild.errors import AuthenticationError, NotFoundError
from compatbuild.registry.reference import DEFAULT_REGISTRY

HELPER_SECONDS = 30
"""How long a credential helper may take."""
MAX_CONFIG = 1 << 20
"""Bytes of a configuration file or of a helper's answer that are looked at."""
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's key in docker's files and helpers (docker CLI ``registry.IndexServer``)."""
TOKEN_USER = "<token>"  # noqa: S105 - the user name by which a helper says that the secret is a refresh token
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HELPER_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NOT_FOUND = "credentials not found"
"""What helpers say when they have none (docker-credential-helpers ``credentials/error.go``)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What to show a registry, all empty when anonymous; ``source`` says in messages where it is from, never what."""

    source: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.username or self.password or self.identity_token or self.registry_token)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization: Basic`` header, empty without user name and password."""
        if not (self.username or self.password):
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credential(
    host: str, repository: str, config: Path | None = None, environ: Mapping[str, str] | None = None
) -> Credential:
    """Return the credential for a repository, or an anonymous one whose ``source`` says where was looked in vain.

    ``config`` is a file named by the user, and then the only one; otherwise docker's file comes before podman's.
    Errors: NotFoundError when that file is missing, AuthenticationError when a file or an entry cannot be read.
    """
    notes: list[str] = []
    for path in [config] if config else _default_files(os.environ if environ is None else environ):
        if path.is_file():
            found = _in_file(path, host, repository, notes)
            if found is not None:
                return found
        elif config:
            raise NotFoundError(f"{config} does not exist", why="it was named as the registry configuration")
    return Credential(source="; ".join(["no credentials found", *notes]))


def _default_files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = environ.get("HOME", "")
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    if docker:
        yield Path(docker) / "config.json"
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"


def _in_file(path: Path, host: str, repository: str, notes: list[str]) -> Credential | None:
    document = _read(path)
    key = normalize_key(host)
    helpers = {normalize_key(name): helper for name, helper in _section(document, "credHelpers", path).items()}
    for helper in (helpers.get(key), document.get("credsStore")):
        found = _ask_helper(helper, key, path, notes) if helper else None
        if found is not None:
            return found
    entries = {normalize_key(name): entry for name, entry in _section(document, "auths", path).items()}
    for candidate in _keys(key, repository):
        entry = entries.get(candidate)
        found = _from_entry(entry, candidate, path) if isinstance(entry, dict) else None
        if found is not None:
            return found
    return None


def normalize_key(key: str) -> str:
    """Return the one spelling of a key of these files: no scheme, no ``/v1/`` or ``/v2/``, one name for Docker Hub."""
    bare = re.sub(r"^https?://", "", key).rstrip("/")
    bare = re.sub(r"/v[12]$", "", bare)
    host, slash, rest = bare.partition("/")
    return (DEFAULT_REGISTRY if host in _HUB_HOSTS else host) + slash + rest


def _keys(host: str, repository: str) -> Iterator[str]:
    """Yield host and path from the longest to the bare host, as containers-auth.json(5) looks entries up."""
    parts = repository.split("/") if repository else []
    for count in range(len(parts), -1, -1):
        yield "/".join([host, *parts[:count]])


def _from_entry(entry: Mapping[str, Any], key: str, path: Path) -> Credential | None:
    username, password = _string(entry, "username"), _string(entry, "password")
    if encoded := _string(entry, "auth"):
        username, password = _decode(encoded, key, path)
    source = f"{path} ({key})"
    identity = _string(entry, "identitytoken")
    if username == TOKEN_USER:
        identity, username, password = identity or password, "", ""
    found = Credential(source, username, password, identity, _string(entry, "registrytoken"))
    return None if found.anonymous else found


def _decode(encoded: str, key: str, path: Path) -> tuple[str, str]:
    try:
        # Docker pads the password with NUL bytes in some old files and strips them when reading.
        username, colon, password = base64.b64decode(encoded, validate=True).decode().rstrip("\0").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise AuthenticationError(
            f"the credentials for {key} in {path} cannot be read",
            why="auth is not the base64 of USER:PASSWORD",
            remedy=f"log in again: docker login {key}",
        )
    return username, password


def _ask_helper(helper: object, key: str, path: Path, notes: list[str]) -> Credential | None:
    if not isinstance(helper, str) or not _HELPER_NAME.fullmatch(helper):
        raise AuthenticationError(f"{path} names a credential helper that cannot be one", why="it is no program name")
    program = f"docker-credential-{helper}"
    server = DOCKER_HUB_KEY if key == DEFAULT_REGISTRY else key
    try:
        # The program is the one the user's own configuration names, found on the user's own PATH, as docker does it.
        done = subprocess.run(  # noqa: S603
            [program, "get"], input=server.encode(), capture_output=True, timeout=HELPER_SECONDS, check=False
        )
        answer = json.loads(done.stdout[:MAX_CONFIG]) if done.returncode == 0 else {}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        # A helper left behind by another installation must not stand in the way of a public image.
        notes.append(f"{program} failed ({type(error).__name__})")
        return None
    if done.returncode != 0 and _NOT_FOUND not in (done.stdout + done.stderr).decode(errors="replace"):
        notes.append(f"{program} failed (exit status {done.returncode})")
    if not isinstance(answer, dict):
        return None
    username, secret = _string(answer, "Username"), _string(answer, "Secret")
    if not secret:
        return None
    if username == TOKEN_USER:
        return Credential(program, identity_token=secret)
    return Credential(program, username, secret)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_CONFIG))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, type(error).__name__) from error
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not a JSON object")
    return document


def _section(document: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = document.get(name) or {}
    if not isinstance(section, dict):
        raise _unreadable(path, f"{name} is not an object")
    return section


def _unreadable(path: Path, why: str) -> AuthenticationError:
    return AuthenticationError(f"the credentials in {path} cannot be read", why=why, remedy="repair the file")


def _string(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
