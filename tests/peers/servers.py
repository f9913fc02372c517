"""Real registries on 127.0.0.1, each for the length of a ``with`` block that gives ``host:port``.

Every server picks its own free port and says which, so none is ever raced for. It starts with an
empty environment (no proxy, no credentials, no settings of the caller's), keeps its data in
memory or in a directory of its own, and is ended by its process id when the block is left.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

from tests.peers import peer, require
from tests.peers.certificates import Tls

Command: TypeAlias = Sequence[str | Path]

HOST = "127.0.0.1"
DEADLINE = 20.0  # seconds for a server to announce itself, to answer, or to end
PAUSE = 0.02  # seconds between two looks at a server's output


@contextmanager
def referrers_registry(*, filtering: bool = True) -> Iterator[str]:
    """Run a registry with the referrers API; without filtering it ignores ``?artifactType=``."""
    command: Command = [peer("refregistry"), f"-unfiltered={str(not filtering).lower()}"]
    with _running(command, r"^listening 127\.0\.0\.1:(\d+)$") as address:
        yield address


@contextmanager
def fallback_registry() -> Iterator[str]:
    """Run a registry without the referrers API (crane's): referrers live under a tag."""
    command: Command = [peer("crane"), "registry", "serve", "--address", f"{HOST}:0"]
    with _running(command, r"serving on port (\d+)$") as address:
        yield address


@contextmanager
def debian_registry(*, htpasswd: Mapping[str, str] | None = None, tls: Tls | None = None) -> Iterator[str]:
    """Run Debian's docker-registry 2.8: no referrers API, optional basic authentication and TLS.

    htpasswd gives the password of each user; without it everyone may do everything.
    """
    program = require("docker-registry")
    with tempfile.TemporaryDirectory(prefix="docker-registry-") as name:
        directory = Path(name)
        config = directory / "config.yml"
        config.write_text(json.dumps(_configuration(directory, htpasswd, tls)))  # JSON is YAML
        command: Command = [program, "serve", config]
        with _running(command, r'msg="listening on 127\.0\.0\.1:(\d+)(?:, tls)?"', tls) as address:
            yield address


def _configuration(directory: Path, users: Mapping[str, str] | None, tls: Tls | None) -> dict[str, object]:
    """Write the password file and give the configuration (distribution 2.8, docs/configuration.md)."""
    listener: dict[str, object] = {"addr": f"{HOST}:0", "secret": "for one registry only"}
    if tls:
        listener["tls"] = {"certificate": str(tls.certificate), "key": str(tls.key)}
    storage = {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}}
    configuration: dict[str, object] = {"version": "0.1", "storage": storage, "http": listener}
    if users:
        passwords = directory / "htpasswd"
        passwords.write_text("".join(_password_line(*user) for user in users.items()))
        configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(passwords)}}
    return configuration


def _password_line(user: str, password: str) -> str:
    # -B bcrypt, the only hash the registry takes; -i password from stdin; -n to stdout.
    command: Command = [require("htpasswd"), "-Bin", user]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip() + "\n"


@contextmanager
def _running(command: Command, announcement: str, tls: Tls | None = None) -> Iterator[str]:
    """Run a server; announcement finds the port (group 1) in its output. Gives ``host:port``."""
    with tempfile.TemporaryDirectory(prefix="registry-") as name:
        output = Path(name) / "output"
        with output.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=name, env={"HOME": name}
            )
        try:
            port = _announced(process, output, re.compile(announcement, re.MULTILINE))
            _answers(port, tls)
            yield f"{HOST}:{port}"
        finally:
            _end(process)


def _announced(process: subprocess.Popen[bytes], output: Path, announcement: re.Pattern[str]) -> int:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if found := announcement.search(output.read_text()):
            return int(found[1])
        time.sleep(PAUSE)
    raise RuntimeError(f"the server did not start: {process.args!r}\n{output.read_text()}")


def _answers(port: int, tls: Tls | None) -> None:
    """Ask ``/v2/`` once: the port is open already. 401 is the answer of a registry that wants a password."""
    if tls:
        context = ssl.create_default_context(cafile=tls.ca)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            HOST, port, timeout=DEADLINE, context=context
        )
    else:
        connection = http.client.HTTPConnection(HOST, port, timeout=DEADLINE)
    try:
        connection.request("GET", "/v2/")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status not in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
        raise RuntimeError(f"no registry on port {port}: /v2/ answered {status}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
