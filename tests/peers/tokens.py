"""Bearer tokens as docker-registry demands them: a service that gives them, and the registry that believes it."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.peers import require, servers
from tests.peers.certificates import Tls

PASSWORD = "correct horse"
REFRESH = "a refresh token"
ISSUER, SERVICE = "tests", "registry"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(tls: Tls, access: list[dict[str, Any]]) -> str:
    """Sign a token (distribution ``spec/auth/jwt``) that allows exactly that access."""
    key = serialization.load_pem_private_key(tls.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": SERVICE, "sub": "me", "jti": secrets.token_hex(8),
        "iat": now, "nbf": now - 5, "exp": now + 300, "access": access,
    }  # fmt: skip
    parts = ({"typ": "JWT", "alg": "ES256", "x5c": [der]}, claims)
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@contextmanager
def token_service(tls: Tls, asked: list[list[str]]) -> Iterator[str]:
    """Run a service that gives whoever knows the password, or the refresh token, what is asked for and no action more.

    Others may pull. ``asked`` is told the scopes of each request.
    """

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            right = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
            shown = self.headers.get("Authorization")
            self.answer(scopes, "refused" if shown and shown != right else "known" if shown else "stranger")

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            right = form.get("refresh_token") == [REFRESH] and form.get("grant_type") == ["refresh_token"]
            self.answer(form.get("scope", [""])[0].split(), "known" if right else "refused")

        def answer(self, scopes: list[str], who: str) -> None:
            asked.append(scopes)
            if who == "refused":
                self.send_error(401)
                return
            access = [dict(zip(("type", "name"), scope.split(":"), strict=False)) for scope in scopes]
            wanted = [scope.rpartition(":")[2].split(",") for scope in scopes]
            allowed = [
                one | {"actions": [action for action in actions if who == "known" or action == "pull"]}
                for one, actions in zip(access, wanted, strict=True)
            ]
            body = json.dumps({"token": token(tls, allowed), "expires_in": 300}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def token_registry(tls: Tls, realm: str) -> Iterator[str]:
    """Run Debian's docker-registry with token authentication."""
    with tempfile.TemporaryDirectory(prefix="docker-registry-") as name:
        configuration = servers._configuration(Path(name), None, None)
        trusted = {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(tls.ca)}
        config = Path(name) / "config.yml"
        config.write_text(json.dumps(configuration | {"auth": {"token": trusted}}))
        command: servers.Command = [require("docker-registry"), "serve", config]
        with servers._running(command, r'msg="listening on 127\.0\.0\.1:(\d+)"') as address:
            yield address
