"""A registry in memory that misbehaves where a test says so; for what no real registry does on demand."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
Reply = Callable[["Handler"], None]


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    authorization: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Fault:
    method: str
    path: re.Pattern[str]
    reply: Reply
    times: int


@dataclass
class FaultRegistry:
    """What is stored, what was asked, and what goes wrong; ``address`` is ``host:port``.

    ``before`` is called with the number of each request, from 1 on, before anything is done about it.
    """

    address: str = ""
    api: bool = False
    untold_tags: bool = False
    entity_tags: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[int], None] = field(default=lambda _: None)

    def fault(self, method: str, path: str, reply: Reply, times: int = 1 << 30) -> None:
        """Let requests whose path matches get that reply instead, so many times."""
        self.faults.append(Fault(method, re.compile(path), reply, times))

    def asked(self, method: str, path: str = "") -> list[Seen]:
        return [one for one in self.seen if one.method == method and re.search(path, one.path)]

    def reply_for(self, method: str, path: str) -> Reply | None:
        for fault in self.faults:
            if fault.times and fault.method == method and fault.path.search(path):
                fault.times -= 1
                return fault.reply
        return None


class Handler(BaseHTTPRequestHandler):
    """The happy path of distribution-spec, as far as it is used, unless a fault says otherwise."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # a whole answer in one packet: two wait for each other for 40 ms
    registry: FaultRegistry
    body: bytes

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        pass

    def handle_any(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.registry.seen.append(
            Seen(self.command, self.path, self.headers.get("Authorization", ""), self.body, dict(self.headers.items()))
        )
        self.registry.before(len(self.registry.seen))
        reply = self.registry.reply_for(self.command, self.path)
        (reply or Handler.behave)(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815  the base class's names

    def behave(self) -> None:
        parts = urlsplit(self.path)
        kind, name = parts.path.split("/")[-2:]
        mount = parse_qs(parts.query).get("mount", [""])[0]
        if self.command == "POST" and mount in self.registry.blobs:
            self.reply(201, headers={"Location": f"/v2/team/app/blobs/{mount}", "Docker-Content-Digest": mount})
        elif self.command == "POST":
            self.reply(202, headers={"Location": "/v2/team/app/blobs/uploads/session?state=1"})
        elif self.command == "PUT" and kind == "uploads":
            self.store(parse_qs(parts.query)["digest"][0], self.body)
        elif self.command == "PUT" and self.changed(name):
            self.reply(412)
        elif self.command == "PUT":
            digest = "sha256:" + hashlib.sha256(self.body).hexdigest()
            for key in {name, digest}:
                self.registry.manifests[key] = (self.body, self.headers["Content-Type"])
            self.reply(201, headers={"Docker-Content-Digest": digest})
        elif self.command == "DELETE":
            self.reply(202 if self.registry.manifests.pop(name, None) else 404)
        else:
            self.tell(kind, name)

    def tell(self, kind: str, name: str) -> None:
        if kind == "referrers" and self.registry.api:
            self.reply(200, self.listing(name), {"Content-Type": INDEX})
        elif kind == "tags" and not self.registry.untold_tags:
            tags = [name for name in self.registry.manifests if ":" not in name]
            self.reply(
                200, json.dumps({"name": "team/app", "tags": tags}).encode(), {"Content-Type": "application/json"}
            )
        elif kind == "blobs" and name in self.registry.blobs:
            self.reply(200, self.registry.blobs[name])
        elif kind == "manifests" and name in self.registry.manifests:
            raw, media_type = self.registry.manifests[name]
            told = {"ETag": self.entity_tag(name)} if self.registry.entity_tags else {}
            self.reply(200, raw, {"Content-Type": media_type, **told})
        else:
            self.reply(404, b'{"errors":[{"code":"NOT_THERE","message":"no \\u001b[31msuch thing"}]}')

    def entity_tag(self, name: str) -> str:
        return f'"{hashlib.sha256(self.registry.manifests[name][0]).hexdigest()}"'

    def changed(self, name: str) -> bool:
        """Say whether a condition of a PUT does not hold any more (RFC 9110 §13)."""
        if not self.registry.entity_tags:
            return False
        there = name in self.registry.manifests
        wanted = self.headers.get("If-Match")
        if wanted is not None and (not there or wanted != self.entity_tag(name)):
            return True
        return self.headers.get("If-None-Match") == "*" and there

    def store(self, digest: str, content: bytes) -> None:
        right = digest == "sha256:" + hashlib.sha256(content).hexdigest()
        if right:
            self.registry.blobs[digest] = content
        self.reply(201 if right else 400)

    def listing(self, subject: str) -> bytes:
        entries = []
        for key, (raw, media_type) in self.registry.manifests.items():
            document = json.loads(raw)
            if key.startswith("sha256:") and (document.get("subject") or {}).get("digest") == subject:
                entries.append({"mediaType": media_type, "digest": key, "size": len(raw)})
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()

    def reply(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def status(code: int, body: bytes = b"", **headers: str) -> Reply:
    """Answer with a status; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(code, body, named)


def ranged(content: bytes) -> Reply:
    """Answer with the part of some content that is asked for (RFC 9110 §14)."""

    def reply(handler: Handler) -> None:
        first, _, last = handler.headers["Range"].removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else None]
        told = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        handler.reply(206, part, {"Content-Range": told})

    return reply


def reset(handler: Handler) -> None:
    """Break the connection the hard way."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def truncated(body: bytes, missing: int, **headers: str) -> Reply:
    """Promise a body and leave its end out."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) - missing])
        handler.close_connection = True

    return reply


def endless(handler: Handler) -> None:
    """Send zeros for as long as somebody reads them."""
    handler.send_response(200)
    handler.send_header("Content-Type", INDEX)
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        return


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: they have seen enough."""


@contextmanager
def fault_registry(*, api: bool = False) -> Iterator[FaultRegistry]:
    """Run the registry on 127.0.0.1 for the length of the block."""
    registry = FaultRegistry(api=api)
    handler = type("BoundHandler", (Handler,), {"registry": registry})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    registry.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
