"""The image that our Dockerfile builds, built by BuildKit on each newer Python and run by podman: ``make installs``.

Its base is not python's image of Docker Hub but Debian's Python of the same version, put in its place by a named
context, so the Dockerfile is what is in the tree, word by word. pip installs from the locked wheels on loopback.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders.programs import write_image
from tests.installs.wheelhouse import wheelhouse
from tests.integration.shell import ROOT, Ended, Shell, registry, shell
from tests.peers import require
from tests.peers.buildkit import buildkit
from tests.peers.buildx import buildx
from tests.peers.roots import PYTHONS, root

pytestmark = [pytest.mark.peer, pytest.mark.download, pytest.mark.timeout(1200)]
BASE = "python:3.13-slim-bookworm"
"""What the Dockerfile builds on by itself."""
MAX_BYTES = 100_000_000
"""Of what we add to the base, unpacked: 75 MB on Python 3.14, cryptography, pygments, pydantic and bytecode first."""


@dataclass(frozen=True)
class Built:
    """The image in a registry, its config, and how to run it."""

    reference: str
    config: Any
    store: Path
    run: Shell

    def __call__(self, *arguments: str, options: tuple[str, ...] = ()) -> Ended:
        """Run the image as a careful user does: nothing to write to, no network, no capability."""
        shut = ["--rm", "--read-only", "--network=none", "--cap-drop=all", "--security-opt=no-new-privileges"]
        # podman would raise limits, which a sandbox may forbid.
        limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
        mounts = [f"--volume={self.run.directory}:/work:ro", "--tmpfs=/tmp"]
        return _podman(self.store, "run", *shut, *limits, *mounts, *options, self.reference, *arguments)


def _podman(store: Path, *arguments: str) -> Ended:
    places = [f"--root={store}/root", f"--runroot={store}/run", f"--tmpdir={store}/tmp", "--storage-driver=overlay"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(store), "TMPDIR": str(store)}
    command: list[str | Path] = [require("podman"), *places, "--cgroup-manager=cgroupfs", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve the files of a directory on loopback, and give the address."""

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _context(directory: Path, python: str) -> Path:
    directory.mkdir()
    shutil.copy(root(python), directory / "root.tar")
    (directory / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
    return directory


@pytest.fixture(scope="module", params=sorted(PYTHONS))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    python, directory = str(request.param), tmp_path_factory.mktemp("image")
    for name in ("wheels", "client"):
        (directory / name).mkdir()
    wheels = wheelhouse(directory / "wheels", python)
    run = shell(directory)
    write_image(run.directory / "image")
    store = Path(tempfile.mkdtemp(prefix="podman-"))
    try:
        with buildkit() as daemon, registry("api") as address, served(wheels) as index:
            client = buildx(directory / "client", daemon)
            base, image = f"{address}/base:1", f"{address}/compatbuild:1"
            client.ok(
                directory, "build", "--push", "--provenance=false", "-t", base, _context(directory / "base", python)
            )
            (directory / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {index}\n")
            instead = f"--build-context={BASE}=docker-image://{base}"
            secret = f"--secret=id=pip.conf,src={directory / 'pip.conf'}"
            client.ok(directory, "build", "--push", "--provenance=false", "-t", image, instead, secret, ROOT)
            pulled = _podman(store, "pull", "--quiet", "--tls-verify=false", image)
            assert pulled.code == 0, pulled.err
            config = json.loads(run.peer("crane", "config", "--insecure", image))
            yield Built(image, config, store, run)
    finally:
        shutil.rmtree(store, ignore_errors=True)


def test_it_says_of_itself_what_it_is(built: Built) -> None:
    """Nobody has it by root, and a scanner is what it is without a command."""
    said = built.config["config"]
    assert said["User"] == "65532:65532"
    assert (said["Entrypoint"], said["Cmd"]) == (["compatbuild"], ["buildkit-scan"])
    assert said["Labels"]["org.opencontainers.image.title"] == "compatbuild"
    assert said["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not any("pip.conf" in str(step) and "find-links" in str(step) for step in built.config["history"])


def test_its_entrypoint_is_the_command_line(built: Built) -> None:
    told = built("--help")
    assert told.code == 0, told.err
    assert "buildkit-scan" in told.out
    told = built()
    assert told.code == 2, "without BuildKit there is nothing to scan"
    assert "BUILDKIT_SCAN_SOURCE" in told.err


@pytest.mark.parametrize("user", ["", "--user=1234:1234"])
def test_whoever_runs_it_reads_an_image(built: Built, user: str) -> None:
    options = (user,) if user else ()
    told = built("infer", "oci-dir:image:v1", "-o", "json", options=options)
    assert told.code == 0, told.err
    assert told.value["facts"] == built.run.json("infer", "oci-dir:image:v1")["facts"]
    spec = built("infer", "oci-dir:image:v1", "-o", "spec", options=options)
    (built.run.directory / "compat.yaml").write_text(spec.out)
    assert built("validate", "compat.yaml", options=options).code == 0


def test_it_is_small_and_holds_no_secret(built: Built) -> None:
    """Of our layers nothing is for anyone to write to, and what only builds is not there."""
    found = built("-c", _LOOK, options=("--entrypoint=/opt/compatbuild/bin/python",))
    assert found.code == 0, found.err
    told = found.value
    assert told["bytes"] < MAX_BYTES, told
    assert told["writable"] == []
    assert told["pip"] is False


_LOOK = """
import importlib.util, json, os
total, writable = 0, []
for directory, _, names in os.walk("/opt"):
    for name in names:
        path = os.path.join(directory, name)
        total += os.lstat(path).st_size
        if not os.path.islink(path) and os.access(path, os.W_OK):
            writable.append(path)
found = bool(importlib.util.find_spec("pip")) or os.path.exists("/etc/pip.conf") and os.path.getsize("/etc/pip.conf") > 0
print(json.dumps({"bytes": total, "writable": writable, "pip": found}))
"""
