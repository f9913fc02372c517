"""BuildKit on a socket of its own for a ``with`` block; it needs root, and runc from the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import missing, peer, require

DEADLINE = 60.0  # seconds until it answers
BUILD = 300.0  # seconds for one build
PAUSE = 0.05


@dataclass(frozen=True)
class BuildKit:
    """A running daemon."""

    socket: Path

    def build(self, context: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Build the Dockerfile of a directory; ``options`` are those of ``buildctl build``."""
        inputs = ["--local", f"context={context}", "--local", f"dockerfile={context}"]
        return self._ctl("build", "--progress", "plain", "--frontend", "dockerfile.v0", *inputs, *options)

    def answers(self) -> bool:
        """Say whether it is ready."""
        return self.socket.exists() and self._ctl("debug", "workers").returncode == 0

    def _ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(peer("buildctl")), "--addr", f"unix://{self.socket}", *arguments]
        environment = {"HOME": str(self.socket.parent), "PATH": os.environ["PATH"]}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=BUILD)


@contextmanager
def buildkit() -> Iterator[BuildKit]:
    """Run the daemon, and end it by its process id."""
    daemon, _, runc = peer("buildkitd"), peer("buildctl"), require("runc")
    if os.geteuid():
        missing("BuildKit is run as root here")
    home = Path(tempfile.mkdtemp(prefix="buildkit-"))
    command: list[str | Path] = [
        *(daemon, "--root", home / "root", "--addr", f"unix://{home}/bk.sock"),
        *("--oci-worker=true", "--containerd-worker=false", "--oci-worker-net=host"),
        *("--oci-worker-snapshotter=native", "--oci-worker-binary", runc),
    ]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    with (home / "output").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home, env=environment)
    try:
        running = BuildKit(home / "bk.sock")
        deadline = time.monotonic() + DEADLINE
        while not running.answers():
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"buildkitd did not start:\n{(home / 'output').read_text()[-3000:]}")
            time.sleep(PAUSE)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)
