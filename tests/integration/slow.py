"""A wire between clients and a registry on which everything takes a while: as far away as real registries are."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread


@contextmanager
def slow(address: str, seconds: float) -> Iterator[str]:
    """Give an address that passes everything on to ``host:port``, so much later in each direction."""
    host, _, port = address.partition(":")
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        Thread(target=_serve, args=(server, (host, int(port)), seconds), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, target: tuple[str, int], seconds: float) -> None:
    with suppress(OSError):  # the block was left
        while True:
            client, _ = server.accept()
            registry = socket.create_connection(target)
            for one, other in ((client, registry), (registry, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=_pass, args=(one, other, seconds), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with suppress(OSError), target:  # either end may hang up first
        while data := source.recv(1 << 16):
            time.sleep(seconds)
            target.sendall(data)
