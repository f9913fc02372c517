"""A wire between a client and a registry that counts what passes."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

REQUEST = re.compile(rb"((?:GET|HEAD|POST|PUT|PATCH|DELETE) \S+) HTTP/1\.1\r\n")


@dataclass
class Tap:
    """The address to use instead of the registry's, all bytes that clients sent to it, and how many came back."""

    address: str
    sent: list[bytes] = field(default_factory=list)
    received: int = 0
    _lock: Lock = field(default_factory=Lock)

    def count(self, data: bytes) -> None:
        """Count what came back."""
        with self._lock:
            self.received += len(data)

    @property
    def requests(self) -> list[str]:
        """Method and path of each request, in order."""
        return [line.decode() for line in REQUEST.findall(b"".join(self.sent))]


@contextmanager
def tap(address: str) -> Iterator[Tap]:
    """Pass connections on to ``host:port`` for the length of the block."""
    host, _, port = address.partition(":")
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Tap(f"127.0.0.1:{server.getsockname()[1]}")
        Thread(target=_serve, args=(server, (host, int(port)), made), daemon=True).start()
        yield made
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, target: tuple[str, int], made: Tap) -> None:
    with suppress(OSError):  # the block was left
        while True:
            client, _ = server.accept()
            registry = socket.create_connection(target)
            Thread(target=_pass, args=(client, registry, made.sent.append), daemon=True).start()
            Thread(target=_pass, args=(registry, client, made.count), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, seen: Callable[[bytes], None]) -> None:
    with suppress(OSError), target:  # either end may hang up first
        while data := source.recv(1 << 16):
            seen(data)
            target.sendall(data)
