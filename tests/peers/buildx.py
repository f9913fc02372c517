"""buildx as docker's client runs it, a plugin of a client without a daemon, and BuildKit as its builder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.peers import peer, require
from tests.peers.buildkit import BUILD, BuildKit

BUILDER = "peer"


@dataclass(frozen=True)
class Buildx:
    """The client with a configuration of its own, in which buildx has one builder: that of a running BuildKit."""

    program: Path
    home: Path

    def __call__(self, directory: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``docker buildx`` in a directory; it may fail."""
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "DOCKER_CONFIG": str(self.home / "docker"),
            "BUILDX_CONFIG": str(self.home / "buildx"),
            "BUILDX_BUILDER": BUILDER,
            "BUILDKIT_PROGRESS": "plain",
        }
        command: list[str | Path] = [self.program, "buildx", *arguments]
        return subprocess.run(
            command,
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=BUILD,
        )

    def ok(self, directory: Path, *arguments: str | Path) -> str:
        """Run ``docker buildx``, which must succeed, and return what it printed."""
        done = self(directory, *arguments)
        assert done.returncode == 0, done.stderr[-5000:]
        return done.stdout


def buildx(home: Path, daemon: BuildKit) -> Buildx:
    """Install buildx where docker's client looks for a user's plugins, and name BuildKit to it."""
    client = Buildx(require("docker"), home)
    plugins = home / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(peer("buildx"))
    client.ok(home, "create", "--name", BUILDER, "--driver", "remote", f"unix://{daemon.socket}")
    return client
