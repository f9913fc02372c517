"""The real cosign, cut off from everything but this machine, and told so by a wire it would trip."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers import peer

# Flags deprecated by cosign 3.1 and without a successor: it writes the older format only when told both.
OLDER_FORMAT = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false")


@dataclass(frozen=True)
class Cosign:
    """cosign in a home of its own; every program it starts would have to pass the wire to reach the outside."""

    home: Path
    proxy: str
    password: str = "a password"

    def run(
        self, *arguments: str | Path, check: bool = True, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), self.proxy)
        return subprocess.run(
            [peer("cosign"), *arguments],
            cwd=self.home,
            env={"HOME": str(self.home), "COSIGN_PASSWORD": self.password, **proxies, **(environment or {})},
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def generate_key_pair(self, prefix: str = "cosign") -> tuple[Path, Path]:
        self.run("generate-key-pair", "--output-key-prefix", prefix)
        return self.home / f"{prefix}.key", self.home / f"{prefix}.pub"

    def sign(self, reference: str, key: Path, *flags: str) -> None:
        """Sign without a log: both files say that there is no service at all (reference: cosign 3.1.3)."""
        services = ("--signing-config", self._empty("signing-config"), "--trusted-root", self._empty("trusted-root"))
        self.run("sign", "-y", "--key", key, *services, *flags, reference)

    def sign_older(self, reference: str, key: Path, *flags: str, **environment: str) -> None:
        """Sign in the format before bundles."""
        self.run("sign", "-y", "--key", key, *OLDER_FORMAT, *flags, reference, environment=environment)

    def verify(self, reference: str, key: Path, *flags: str) -> list[dict[str, Any]]:
        """Return the signatures cosign accepts; CalledProcessError when it accepts none."""
        done = self.run("verify", "--key", key, "--insecure-ignore-tlog", *flags, reference)
        accepted: list[dict[str, Any]] = json.loads(done.stdout)
        return accepted

    def refuses(self, reference: str, key: Path, *flags: str) -> str:
        """Return what cosign says when it refuses to verify, empty when it does not."""
        done = self.run("verify", "--key", key, "--insecure-ignore-tlog", *flags, reference, check=False)
        return done.stderr if done.returncode else ""

    def _empty(self, kind: str) -> Path:
        path = self.home / f"{kind}.json"
        if not path.exists():
            self.run(kind, "create", "--out", path)
        return path


@contextmanager
def cut_off(home: Path) -> Iterator[Cosign]:
    """Give a cosign whose every attempt to leave this machine ends the block with an error."""
    trips: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as wire:
        threading.Thread(target=_watch, args=(wire, trips), daemon=True).start()
        yield Cosign(home, f"http://127.0.0.1:{wire.getsockname()[1]}")
        wire.shutdown(socket.SHUT_RDWR)
    assert not trips, f"cosign tried to reach {trips}"


def _watch(wire: socket.socket, trips: list[str]) -> None:
    while True:
        try:
            connection, _ = wire.accept()
        except OSError:  # the wire was taken down
            return
        with connection:
            trips.append(connection.recv(4096).split(b"\r\n")[0].decode(errors="replace"))
