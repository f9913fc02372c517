"""Bearer tokens as docker-registry demands them: for exactly what is done, from a service that asks for a password."""

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

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from compatbuild.errors import AuthenticationError
from compatbuild.registry.attach import attach, pull
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.peers import require, servers
from tests.peers.certificates import Tls, loopback_tls
from tests.unit.registry.building import CREATED, SPEC_TEXT, push_image

pytestmark = pytest.mark.peer

PASSWORD = "correct horse"
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
    """Run a service that gives whoever knows the password what is asked for, and not an action more."""

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            asked.append(scopes)
            right = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
            if self.headers.get("Authorization") != right:
                self.send_error(401)
                return
            access = [dict(zip(("type", "name"), scope.split(":"), strict=False)) for scope in scopes]
            allowed = [
                one | {"actions": scope.rpartition(":")[2].split(",")}
                for one, scope in zip(access, scopes, strict=True)
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


def store_of(address: str, directory: Path, password: str) -> Store:
    path = directory / "config.json"
    path.write_text(json.dumps({"auths": {address: {"auth": base64.b64encode(f"me:{password}".encode()).decode()}}}))
    return open_store(parse_reference(f"{address}/team/app:v1"), RegistryOptions(registry_config=path))


def test_each_token_is_for_what_is_done(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    tls = loopback_tls(tmp_path)
    with token_service(tls, asked) as realm, token_registry(tls, realm) as address:
        store = store_of(address, tmp_path, PASSWORD)
        image = push_image(store, "v1")
        attach(store, image, SPEC_TEXT, {}, CREATED)
        assert pull(store, image)[0] == SPEC_TEXT
        assert sorted(asked) == [["repository:team/app:pull"], ["repository:team/app:pull,push"]]


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    tls = loopback_tls(tmp_path)
    with token_service(tls, asked) as realm, token_registry(tls, realm) as address:
        with pytest.raises(AuthenticationError):
            store_of(address, tmp_path, "battery staple").resolve("v1")
        assert len(asked) == 1
