"""Real container daemons, each on a socket in a directory of its own, for the length of a ``with`` block.

``dockerd`` is started without a bridge and without a rule of a firewall: it builds ``FROM scratch`` and COPY, loads,
saves and pushes to loopback, and runs no container. All of it is ended by process id, and its files go with it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.peers import require, require_root

DEADLINE = 60.0  # seconds for a daemon to answer, and for it to end
PAUSE = 0.05


@dataclass(frozen=True)
class Daemon:
    """A daemon's socket, and what its own command line needs to be told of it."""

    socket: Path
    command: Sequence[str]

    def run(self, *arguments: str | Path, directory: Path | None = None) -> str:
        """Run the daemon's command line, which must succeed, and return what it printed."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.socket.parent), "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            [*self.command, *arguments], cwd=directory, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode().strip()


@contextmanager
def dockerd() -> Iterator[Daemon]:
    """Run a docker daemon; overlay2 where that can be mounted, else vfs."""
    require_root("dockerd")
    program, docker = require("dockerd"), require("docker")
    with tempfile.TemporaryDirectory(prefix="dockerd-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        listens = place / "docker.sock"
        command: list[str | Path] = [
            program,
            "--data-root",
            place / "data",
            "--exec-root",
            place / "exec",
            "-H",
            f"unix://{listens}",
        ]
        command += ["--pidfile", place / "pid", "--bridge=none", "--iptables=false", "--ip-masq=false"]
        with _running(command, listens, place):
            yield Daemon(listens, [str(docker), "--host", f"unix://{listens}"])


@contextmanager
def podman_service() -> Iterator[Daemon]:
    """Run podman's service; ``command`` is podman on the same storage."""
    require_root("podman with a storage of its own")
    with tempfile.TemporaryDirectory(prefix="podman-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        listens = place / "podman.sock"
        storage = ["--root", str(place / "data"), "--runroot", str(place / "run")]
        command = [str(require("podman")), *storage]
        try:
            with _running([*command, "system", "service", "--time", "0", f"unix://{listens}"], listens, place):
                yield Daemon(listens, command)
        finally:
            for mount in (place / "data" / "overlay", place / "data"):  # podman leaves its storage mounted
                subprocess.run([shutil.which("umount") or "umount", mount], capture_output=True, check=False)


@contextmanager
def _running(command: Sequence[str | Path], listens: Path, place: Path) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place)}
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    try:
        _answers(process, listens, place / "log")
        yield
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], listens: Path, log: Path) -> None:
    """Wait for the daemon to answer a ping."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE)
            connection.connect(str(listens))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: daemon\r\n\r\n")
            if b" 200 " in connection.recv(64):
                return
        time.sleep(PAUSE)
    raise RuntimeError(f"the daemon did not start: {process.args!r}\n{log.read_text(errors='replace')[-2000:]}")
