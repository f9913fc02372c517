"""Sigstore's services on this machine: Fulcio, a Rekor v2 log and a time stamp authority, and a stand-in for the rest.

The stand-in is what nobody can run here: the token service of GitHub and GitLab, and a certificate transparency log that
signs whatever Fulcio shows it. Everything listens on 127.0.0.1, but Fulcio's metrics, which listen everywhere: run this
where there is no everywhere (``make keyless`` does, in a network namespace with a loopback and nothing else).
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.builders.cosign import Cosign
from tests.peers import peer

HOST = "127.0.0.1"
DEADLINE = 60.0  # seconds for a server to answer
POISON = "1.3.6.1.4.1.11129.2.4.3"  # RFC 6962 §3.1
START = "start-time=2020-01-01T00:00:00Z"
IDENTITY = "https://github.com/example/app/.github/workflows/release.yml@refs/heads/main"
CLAIMS: dict[str, dict[str, str]] = {
    "github": {
        "sub": "repo:example/app:ref:refs/heads/main",
        "job_workflow_ref": "example/app/.github/workflows/release.yml@refs/heads/main",
        "repository": "example/app",
    },
    "gitlab": {
        "sub": "project_path:example/app:ref_type:branch:ref:main",
        "job_workflow_ref": "example/app//.gitlab-ci.yml@refs/heads/main",
        "repository": "example/app",
    },
}
FULCIO = """
oidc-issuers:
  {issuer}/github: {{issuer-url: "{issuer}/github", client-id: sigstore, type: ci-provider, ci-provider: github}}
  {issuer}/gitlab: {{issuer-url: "{issuer}/gitlab", client-id: sigstore, type: ci-provider, ci-provider: gitlab}}
ci-issuer-metadata:
  github: &provider
    default-template-values: {{url: "https://github.com"}}
    extension-templates: {{github-workflow-repository: repository, source-repository-uri: "{{{{ .url }}}}/{{{{ .repository }}}}"}}
    subject-alternative-name-template: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
  gitlab:
    default-template-values: {{url: "https://gitlab.com"}}
    extension-templates: {{source-repository-uri: "{{{{ .url }}}}/{{{{ .repository }}}}"}}
    subject-alternative-name-template: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
"""


@dataclass(frozen=True)
class Stack:
    """Where the services are, and the files that describe them to cosign and to us."""

    issuer: str
    tsa: str
    rekor: str
    signing_config: Path
    trusted_root: Path
    standin: StandIn

    def github(self) -> dict[str, str]:
        """Return the environment of a job of GitHub Actions with ``permissions: id-token: write``."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer}/request?provider=github",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.standin.bearer,
        }


@dataclass
class StandIn:
    """Tokens for whoever has the bearer, and signatures on precertificates for anybody."""

    url: str = ""
    bearer: str = "a bearer"
    signing: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    log: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def token(self, provider: str) -> str:
        """Return an identity token, good for five minutes."""
        now = int(time.time())
        claims = {"iss": f"{self.url}/{provider}", "aud": "sigstore", "iat": now, "nbf": now, "exp": now + 300}
        return jwt.encode(claims | CLAIMS[provider], self.signing, algorithm="RS256", headers={"kid": "1"})

    def answer(self, path: str, query: Mapping[str, list[str]], authorization: str) -> Any:
        """Answer a GET; None for what is not there."""
        provider = path.split("/")[1]
        if path == "/request" and authorization.lower() == f"bearer {self.bearer}":
            assert query["audience"] == ["sigstore"]
            return {"value": self.token(query["provider"][0])}
        if path.endswith("/.well-known/openid-configuration"):
            issuer = f"{self.url}/{provider}"
            return {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/keys",
                "authorization_endpoint": issuer,
                "token_endpoint": issuer,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path.endswith("/keys"):
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.signing.public_key()))
            return {"keys": [key | {"kid": "1", "use": "sig", "alg": "RS256"}]}
        return None

    def promise(self, chain: list[str]) -> dict[str, Any]:
        """Return the signed certificate timestamp of a precertificate (RFC 6962 §3.2, §4.2)."""
        precertificate, issuer = (x509.Certificate.load(base64.b64decode(one)) for one in chain[:2])
        tbs = precertificate["tbs_certificate"]
        kept = [one for one in tbs["extensions"] if one["extn_id"].dotted != POISON]
        tbs["extensions"] = x509.Extensions(kept)
        raw = tbs.dump(force=True)
        issuer_key = hashlib.sha256(issuer["tbs_certificate"]["subject_public_key_info"].dump()).digest()
        now = int(time.time() * 1000)
        signed = struct.pack(">BBQH", 0, 0, now, 1) + issuer_key + len(raw).to_bytes(3) + raw + b"\0\0"
        signature = self.log.sign(signed, ec.ECDSA(SHA256()))
        log_id = hashlib.sha256(spki(self.log.public_key())).digest()
        return {
            "sct_version": 0,
            "id": base64.b64encode(log_id).decode(),
            "timestamp": now,
            "extensions": "",
            "signature": base64.b64encode(struct.pack(">BBH", 4, 3, len(signature)) + signature).decode(),
        }


def spki(key: Any) -> bytes:
    """Return a public key in DER."""
    raw: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return raw


@contextmanager
def stack(home: Path, cosign: Cosign) -> Iterator[Stack]:
    """Run the services for the length of a ``with`` block."""
    with ExitStack() as running:
        standin = running.enter_context(_standin())
        fulcio, tsa, rekor = (f"http://{HOST}:{free_port()}" for _ in range(3))
        running.enter_context(_served(_fulcio(home, fulcio, standin.url), f"{fulcio}/api/v2/trustBundle", home))
        tsa_url = f"{tsa}/api/v1/timestamp"
        running.enter_context(_served(_tsa(tsa), f"{tsa_url}/certchain", home))
        log_key = ed25519.Ed25519PrivateKey.generate()
        running.enter_context(_served(_rekor(home, rekor, log_key), f"{rekor}/healthz", home))
        (home / "fulcio.pem").write_text(
            "".join(
                one
                for chain in json.loads(get(f"{fulcio}/api/v2/trustBundle"))["chains"]
                for one in chain["certificates"]
            )
        )
        (home / "tsa.pem").write_bytes(get(f"{tsa_url}/certchain"))
        _pem(home / "ct.pub", standin.log.public_key())
        _pem(home / "rekor.pub", log_key.public_key())
        root, config = home / "root.json", home / "config.json"
        cosign.run(
            *("trusted-root", "create", "--out", root),
            *("--fulcio", f"url={fulcio},certificate-chain={home}/fulcio.pem,{START}"),
            *("--rekor", f"url={rekor},public-key={home}/rekor.pub,{START},origin={HOST}"),
            *("--ctfe", f"url={standin.url}/ct,public-key={home}/ct.pub,{START}"),
            *("--tsa", f"url={tsa_url},certificate-chain={home}/tsa.pem,{START}"),
        )
        version = f"api-version=1,{START},operator=tests"
        cosign.run(
            *("signing-config", "create", "--out", config),
            *("--fulcio", f"url={fulcio},{version}"),
            *("--rekor", f"url={rekor},api-version=2,{START},operator=tests", "--rekor-config", "ANY"),
            *("--oidc-provider", f"url={standin.url}/github,{version}"),
            *("--tsa", f"url={tsa_url},{version}", "--tsa-config", "ANY"),
        )
        yield Stack(standin.url, tsa_url, rekor, config, root, standin)


def _fulcio(home: Path, url: str, issuer: str) -> list[str | Path]:
    (home / "fulcio.yaml").write_text(FULCIO.format(issuer=issuer))
    host, ports = f"--host={HOST}", (f"--port={url.rpartition(':')[2]}", f"--grpc-port={free_port()}")
    config = (f"--config-path={home}/fulcio.yaml", f"--ct-log-url={issuer}/ct", f"--metrics-port={free_port()}")
    return [peer("sigstore/fulcio"), "serve", "--ca=ephemeralca", host, f"--grpc-host={HOST}", *ports, *config]


def _tsa(url: str) -> list[str | Path]:
    flags = (
        f"--host={HOST}",
        f"--port={url.rpartition(':')[2]}",
        "--timestamp-signer=memory",
        "--disable-ntp-monitoring",
    )
    return [peer("sigstore/tsa"), "serve", *flags]


def _rekor(home: Path, url: str, key: ed25519.Ed25519PrivateKey) -> list[str | Path]:
    (home / "rekor.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (home / "tiles").mkdir()
    ports = (
        f"--http-port={url.rpartition(':')[2]}",
        f"--grpc-port={free_port()}",
        f"--http-metrics-port={free_port()}",
    )
    quick = ("--checkpoint-interval=1s", "--batch-max-age=50ms")
    files = (f"--signer-filepath={home}/rekor.key", f"--storage-dir={home}/tiles")
    return [peer("sigstore/rekor"), "serve", f"--http-address={HOST}", f"--hostname={HOST}", *ports, *files, *quick]


@contextmanager
def _served(command: list[str | Path], address: str, home: Path) -> Iterator[None]:
    log = home / f"{Path(command[0]).name}.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, cwd=home) as process:
        try:
            limit = time.monotonic() + DEADLINE
            while not _answers(address):
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"{command[0]} does not answer: {log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        get(address)
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False
    return True


def get(address: str) -> bytes:
    """Return what is at an address."""
    with urllib.request.urlopen(address, timeout=5) as answer:
        raw: bytes = answer.read()
    return raw


def free_port() -> int:
    """Return a port nobody listens on; these programs cannot say which one they would choose."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _pem(path: Path, key: Any) -> None:
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@contextmanager
def _standin() -> Iterator[StandIn]:
    standin = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            self._send(standin.answer(asked.path, parse_qs(asked.query), self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(standin.promise(json.loads(body)["chain"]) if self.path.endswith("/add-pre-chain") else None)

        def _send(self, value: Any) -> None:
            raw = json.dumps(value).encode()
            self.send_response(404 if value is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        standin.url = f"http://{HOST}:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield standin
        server.shutdown()
