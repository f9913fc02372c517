"""All who share a connection to a host keep to one pace: so many requests at once, and none while it wants a pause."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from compatbuild.registry import pace as pacing
from compatbuild.registry.client import RegistryClient
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.pace import Pace


class Busy:
    """A registry that says 429 to the first request, and remembers how many were in flight together."""

    def __init__(self, header: str | None) -> None:
        self.refused, self.most, self.now, self.seen = 0, 0, 0, 0
        self.lock, self.full = threading.Lock(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with outer.lock:
                    outer.now += 1
                    outer.seen += 1
                    outer.most = max(outer.most, outer.now)
                    refuse = outer.seen == 1 and header != "never"
                outer.full.wait(0.05)
                with outer.lock:
                    outer.now -= 1
                    outer.refused += refuse
                self.send_response(429 if refuse else 200)
                if refuse and header:
                    self.send_header("Retry-After", header)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def client(self, pace: Pace | None) -> RegistryClient:
        return RegistryClient(f"127.0.0.1:{self.server.server_port}", RegistryOptions(plain_http=True), pace)


def ask(client: RegistryClient, threads: int) -> None:
    url = f"http://{client.origin.netloc}/v2/"
    working = [threading.Thread(target=client.do_request, args=(url,)) for _ in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()


def test_no_more_in_flight_than_agreed() -> None:
    with Busy("never") as registry:
        ask(registry.client(Pace(3)), 12)
        assert registry.most == 3
        ask(registry.client(Pace(12)), 12)
        assert registry.most > 3


class Clock:
    """Time that passes only in naps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at += seconds


def test_a_pause_is_everybody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    pace = Pace(2)
    pace.hold(7.0)
    pace.hold(3.0)  # a shorter one does not shorten it
    with pace.turn():
        assert clock.naps == [7.0]
    with pace.turn():
        assert clock.naps == [7.0]


@pytest.mark.parametrize(("header", "seconds"), [("1", 1.0), (None, pacing.UNSAID)])
def test_a_429_holds_the_others(monkeypatch: pytest.MonkeyPatch, header: str | None, seconds: float) -> None:
    held: list[float] = []
    monkeypatch.setattr(Pace, "hold", lambda _, wait: held.append(wait))
    with Busy(header) as registry:
        ask(registry.client(Pace(2)), 1)
    assert held == [seconds]
    assert (registry.refused, registry.seen) == (1, 2)
