"""The encrypted private key file of cosign: PKCS#8 in a NaCl secret box under a key made by scrypt.

PEM label ``ENCRYPTED SIGSTORE PRIVATE KEY`` (cosign before 2.0: ``ENCRYPTED COSIGN PRIVATE KEY``) around JSON
``{"kdf": {"name": "scrypt", "params": {"N","r","p"}, "salt"}, "cipher": {"name": "nacl/secretbox", "nonce"},
"ciphertext"}``, byte strings in base64 (go-securesystemslib v0.11.0, ``encrypted/encrypted.go``).
"""

import base64
import hashlib
import json
import re
import secrets
import textwrap
from typing import Annotated, Literal

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pydantic import Field, ValidationError

from compatbuild.errors import SigningError
from compatbuild.signing import strictjson
from compatbuild.signing.strictjson import Base64, Wire

LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
LABELS = (LABEL, "ENCRYPTED COSIGN PRIVATE KEY")
LIMIT = 64 << 10  # bytes of JSON; the file of an RSA-4096 key has about 4 KiB
STANDARD = (1 << 16, 8, 1)  # what cosign writes: 64 MiB and about 0.2 s
# The legacy, standard and OWASP parameters of go-securesystemslib, which refuses all others for the same reason: the
# file says how much memory and time its reader is to spend.
SCRYPT = frozenset({(1 << 15, 8, 1), STANDARD, (1 << 17, 8, 1)})
SALT_BYTES = 32
PEM = re.compile(
    rb"\s*-----BEGIN (?P<label>ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----(?P<body>[A-Za-z0-9+/=\s]+)"
    rb"-----END (?P=label)-----\s*"
)


class _Params(Wire):
    n: int = Field(alias="N")
    r: int
    p: int


class _Kdf(Wire):
    name: Literal["scrypt"]
    params: _Params
    salt: Annotated[Base64, Field(max_length=1024)]


class _Cipher(Wire):
    name: Literal["nacl/secretbox"]
    nonce: Annotated[Base64, Field(min_length=SecretBox.NONCE_SIZE, max_length=SecretBox.NONCE_SIZE)]


class _Sealed(Wire):
    kdf: _Kdf
    cipher: _Cipher
    ciphertext: Annotated[Base64, Field(min_length=SecretBox.MACBYTES)]


def seal(pkcs8: bytes, password: bytes) -> bytes:
    """Return the PEM text of a key file that holds ``pkcs8`` (DER) under ``password`` (may be empty)."""
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SecretBox.NONCE_SIZE)
    ciphertext = SecretBox(_derive(password, salt, STANDARD)).encrypt(pkcs8, nonce).ciphertext
    work = dict(zip("Nrp", STANDARD, strict=True))
    document = {
        "kdf": {"name": "scrypt", "params": work, "salt": _encoded(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _encoded(nonce)},
        "ciphertext": _encoded(ciphertext),
    }
    body = "\n".join(textwrap.wrap(_encoded(json.dumps(document, separators=(",", ":")).encode()), 64))
    return f"-----BEGIN {LABEL}-----\n{body}\n-----END {LABEL}-----\n".encode()


def is_sealed(pem: bytes) -> bool:
    """Tell whether this text claims to be cosign's encrypted key file."""
    return any(f"-----BEGIN {label}-----".encode() in pem for label in LABELS)


def unseal(pem: bytes, password: bytes) -> bytes:
    """Return the PKCS#8 DER of a key file; SigningError for a damaged file, foreign scrypt work or a wrong password."""
    sealed = _read(pem)
    work = (sealed.kdf.params.n, sealed.kdf.params.r, sealed.kdf.params.p)
    if work not in SCRYPT:
        raise SigningError(
            "the key file asks for key derivation work that cosign never asks for",
            why=f"scrypt with N, r, p = {work}; known are {sorted(SCRYPT)}",
            remedy="make the key file anew with 'cosign import-key-pair'",
        )
    try:
        return SecretBox(_derive(password, sealed.kdf.salt, work)).decrypt(sealed.ciphertext, sealed.cipher.nonce)
    except CryptoError:
        raise SigningError(
            "the password does not open the key file",
            why="decryption failed: a wrong password, or a damaged file",
            remedy="set COSIGN_PASSWORD to the password the key was made with",
        ) from None


def _read(pem: bytes) -> _Sealed:
    try:
        return _parse(pem)
    except ValidationError as error:
        why = strictjson.first(error)
    except ValueError as error:
        why = str(error)
    raise SigningError(
        "the key file is not one cosign would read", why=why, remedy="give the key file as cosign wrote it"
    )


def _parse(pem: bytes) -> _Sealed:
    if not (found := PEM.fullmatch(pem)):
        raise ValueError("not one PEM block from its first to its last line")
    body = base64.b64decode(b"".join(found["body"].split()), validate=True)
    return _Sealed.model_validate(strictjson.parse(body, LIMIT))


def _derive(password: bytes, salt: bytes, work: tuple[int, int, int]) -> bytes:
    n, r, p = work
    # scrypt takes 128·N·r bytes (RFC 7914 §2); OpenSSL wants room for p and its own blocks as well.
    room = 128 * n * r + 128 * r * (p + 2)
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=room, dklen=SecretBox.KEY_SIZE)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
