"""Services that witness a signature and do not: each wrong answer is an error of ours, and nothing is published."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from compatbuild.errors import SigningError, UsageError
from compatbuild.signing import bundle, statement, witness
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.witness import Witnesses, log, stamp

ENTRY = {"logIndex": "1", "inclusionProof": {"checkpoint": {"envelope": ""}}}


@contextmanager
def server(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Answer every request the same; give the address, and what was asked."""
    asked: list[tuple[str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_an_entry_is_asked_for_by_hash_and_put_into_the_bundle(key: PrivateKey) -> None:
    said = statement.build("app", "sha256:" + "ab" * 32)
    with server(201, json.dumps(ENTRY).encode()) as (url, asked):
        document = json.loads(bundle.build(said, key, Witnesses(log_url=url + "/")))
    assert document["verificationMaterial"]["tlogEntries"] == [ENTRY]
    ((path, body),) = asked
    request = json.loads(body)["hashedRekordRequestV002"]
    assert path == "/api/v2/log/entries"
    assert base64.b64decode(request["signature"]["verifier"]["publicKey"]["rawBytes"]) == key.public_key.spki
    assert request["signature"]["content"] == document["dsseEnvelope"]["signatures"][0]["sig"]
    assert bundle.parse(json.dumps(document).encode()).signed_by(key.public_key)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"inclusionProof": 1}'),
        (200, b" " * (witness.LIMIT + 1)),
        (302, json.dumps(ENTRY).encode()),
        (500, b"no"),
    ],
)
def test_what_is_no_entry_is_an_error(key: PrivateKey, status: int, body: bytes) -> None:
    with server(status, body) as (url, _), pytest.raises(SigningError):
        log(url, b"signed", b"signature", key.public_key)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b"\x30\x00"), (200, b"<html>"), (404, b"")])
def test_what_is_no_time_stamp_is_an_error(status: int, body: bytes) -> None:
    with server(status, body) as (url, _), pytest.raises(SigningError):
        stamp(url, b"signature")


def test_a_service_that_is_not_there(key: PrivateKey) -> None:
    with pytest.raises(SigningError, match="does not answer"):
        log("http://127.0.0.1:1", b"signed", b"signature", key.public_key)


def test_a_key_the_log_cannot_take_is_said_before_it_is_asked() -> None:
    key = PrivateKey.of(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(SigningError, match="cannot be put into this log"):
        log("http://127.0.0.1:1", b"signed", b"signature", key.public_key)


@pytest.mark.parametrize("url", ["ftp://example.com", "example.com", "file:///etc/passwd"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError):
        Witnesses(timestamp_url=url)
