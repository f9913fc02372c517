"""Witnesses of a signature by a key: an RFC 3161 time stamp, an entry in a Rekor v2 log. Both only when asked for.

Formats: RFC 3161 over HTTP (§3.4), over the SHA-256 of the signature; rekor-tiles v2 ``POST /api/v2/log/entries`` with
a ``hashedRekordRequestV002`` of the SHA-256 of what was signed, answered by a ``TransparencyLogEntry`` in the JSON
mapping of proto3, which a bundle carries as it is.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compatbuild.errors import SigningError, UsageError
from compatbuild.signing import strictjson
from compatbuild.signing.extras import needs
from compatbuild.signing.keys import PublicKey

if TYPE_CHECKING:
    import requests

LIMIT = 1 << 20  # bytes of an answer; a stamp with its certificates has about 5 KiB, a log entry as much
TIMEOUT = (10, 30)  # seconds to connect, seconds between bytes
# sigstore protobuf-specs v0.5.1, ``PublicKeyDetails``. The log keeps a hash, and pure Ed25519 signs no hash.
DETAILS = {
    "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
    "ecdsa-p384": "PKIX_ECDSA_P384_SHA_384",
    "ecdsa-p521": "PKIX_ECDSA_P521_SHA_512",
    "rsa-2048": "PKIX_RSA_PKCS1V15_2048_SHA256",
    "rsa-3072": "PKIX_RSA_PKCS1V15_3072_SHA256",
    "rsa-4096": "PKIX_RSA_PKCS1V15_4096_SHA256",
}
HASHES = {"ecdsa-p384": "sha384", "ecdsa-p521": "sha512"}


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The services to ask, by address; an empty one is not asked."""

    timestamp_url: str = ""
    log_url: str = ""

    def __post_init__(self) -> None:
        for url in (self.timestamp_url, self.log_url):
            if url and not url.startswith(("https://", "http://")):
                raise UsageError(f"{url!r} is no address of a service", why="it is not https://… or http://…")

    def __call__(self, signed: bytes, signature: bytes, key: PublicKey) -> dict[str, Any]:
        """Return the fields they add to a bundle's verification material; SigningError when one does not answer."""
        found: dict[str, Any] = {}
        if self.log_url:
            found["tlogEntries"] = [log(self.log_url, signed, signature, key)]
        if self.timestamp_url:
            stamped = base64.b64encode(stamp(self.timestamp_url, signature)).decode()
            found["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": stamped}]}
        return found


def stamp(url: str, signature: bytes) -> bytes:
    """Return a time stamp over a signature (DER ``TimeStampResp``) that is about it; the authority is not judged."""
    with needs("keyless", "a time stamp"):
        from rfc3161_client import (  # noqa: PLC0415 - an extra
            HashAlgorithm,
            TimestampRequestBuilder,
            decode_timestamp_response,
        )
    wanted = TimestampRequestBuilder().data(signature).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
    answer = _post(url, wanted.as_bytes(), "application/timestamp-query", "the time stamp authority")
    try:
        given = decode_timestamp_response(answer)
        info = given.tst_info
    except ValueError as error:
        raise SigningError(f"{url} gave no time stamp", why=str(error), remedy="check --timestamp-url") from None
    ours = (wanted.message_imprint.message, wanted.nonce)
    if given.status != 0 or (info.message_imprint.message, info.nonce) != ours:
        raise SigningError(f"{url} gave a time stamp of something else", remedy="check --timestamp-url")
    return answer


def log(url: str, signed: bytes, signature: bytes, key: PublicKey) -> dict[str, Any]:
    """Put a signature into a log and return its entry; SigningError when the log cannot take such a key."""
    details = DETAILS.get(key.algorithm)
    if details is None:
        raise SigningError(
            f"a signature by an {key.algorithm} key cannot be put into this log",
            why="the log keeps the hash of what was signed, with a key of a size that it knows",
            remedy="use a P-256 key, or sign without a log",
        )
    verifier = {"publicKey": {"rawBytes": _encoded(key.spki)}, "keyDetails": details}
    digest = hashlib.new(HASHES.get(key.algorithm, "sha256"), signed).digest()
    entry = {"digest": _encoded(digest), "signature": {"content": _encoded(signature), "verifier": verifier}}
    body = json.dumps({"hashedRekordRequestV002": entry}).encode()
    answer = _post(f"{url.rstrip('/')}/api/v2/log/entries", body, "application/json", "the log")
    try:
        found = strictjson.parse(answer, LIMIT)
    except ValueError as error:
        raise SigningError(f"{url} answered with no entry", why=str(error), remedy="check --rekor-url") from None
    if not isinstance(found, dict) or not isinstance(found.get("inclusionProof"), dict):
        raise SigningError(f"{url} answered with no entry", why="there is no proof in it", remedy="check --rekor-url")
    return found


def _post(url: str, body: bytes, media_type: str, who: str) -> bytes:
    import requests  # noqa: PLC0415 - nobody else here needs it

    with requests.Session() as session:
        session.auth = _no_credentials  # those of ~/.netrc are for others
        try:
            with session.post(
                url,
                data=body,
                headers={"Content-Type": media_type},
                timeout=TIMEOUT,
                stream=True,
                allow_redirects=False,
            ) as answer:
                raw: bytes = answer.raw.read(LIMIT + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise SigningError(
                f"{who} does not answer", why=f"{url}: {type(error).__name__}", remedy="try later"
            ) from None
    if answer.status_code not in {200, 201} or len(raw) > LIMIT:
        why = f"{url}: status {answer.status_code}" + (f", more than {LIMIT} bytes" if len(raw) > LIMIT else "")
        raise SigningError(f"{who} refused", why=why, remedy="check its address, and whether it takes such keys")
    return raw


def _no_credentials(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
