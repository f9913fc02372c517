"""Keys on disk: read the formats in use, write a pair as cosign does."""

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, load_pem_public_key

from compatbuild.errors import NotFoundError, SigningError
from compatbuild.signing import cosignkey, derivation, keys
from compatbuild.signing.keys import PrivateKey, PublicKey

LIMIT = 64 << 10  # bytes of a key file; the largest key allowed (RSA with 8192 bits) needs 10 KiB at most
PKCS8 = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"  # RFC 7468 §11
PKCS8_BLOCK = re.compile(rb"\s*" + PKCS8 + rb"([A-Za-z0-9+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----\s*")
TRADITIONAL = b"Proc-Type: 4,ENCRYPTED"  # the header OpenSSL puts over an encrypted SEC1 or PKCS#1 key (RFC 1421)
PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair that was just written, and where."""

    private_path: Path
    public_path: Path
    public_key: PublicKey


def read(path: Path) -> bytes:
    """Return the bytes of a key file; NotFoundError when there is none, SigningError when it is too large to be one."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no key file {path}", why=str(error.strerror), remedy="check the path") from None
    except OSError as error:
        raise SigningError(
            f"cannot read the key file {path}", why=error.strerror or str(error), remedy="check the path"
        ) from None
    if len(raw) > LIMIT:
        raise SigningError(f"{path} is not a key file", why=f"it has more than {LIMIT} bytes", remedy="check the path")
    return raw


def is_encrypted(pem: bytes) -> bool:
    """Tell whether ``private_key`` needs a password for this text."""
    return cosignkey.is_sealed(pem) or PKCS8 in pem or TRADITIONAL in pem


def private_key(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """Return the private key in PEM: cosign's encrypted file, PKCS#8 (plain or encrypted) or SEC1/PKCS#1.

    The password counts only where the key is encrypted. Raises SigningError when it is missing or wrong, and when the
    text is no such key.
    """
    try:
        return PrivateKey.of(_open(pem, password) if is_encrypted(pem) else load_pem_private_key(pem, None))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # what cryptography raises for text and password
        raise SigningError("the private key cannot be read", why=_cause(error), remedy=_private_remedy(pem)) from None


def public_key(pem: bytes) -> PublicKey:
    """Return the public key in PEM, as in a ``cosign.pub``; SigningError when the text is no such key."""
    try:
        return PublicKey.of(load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError("the public key cannot be read", why=_cause(error), remedy=_public_remedy(pem)) from None


def load_private_key(path: Path, password: bytes | None = None) -> PrivateKey:
    """Return the private key of a file; see ``private_key``."""
    return private_key(read(path), password)


def load_public_key(path: Path) -> PublicKey:
    """Return the public key of a file; see ``public_key``."""
    return public_key(read(path))


def write_pair(private_path: Path, public_path: Path, password: bytes) -> KeyPair:
    """Make a P-256 pair; write it as ``cosign generate-key-pair`` would. SigningError when one of the files exists."""
    key = keys.generate()
    _create(private_path, cosignkey.seal(key.pkcs8, password), PRIVATE_MODE)
    try:
        _create(public_path, key.public_key.pem, PUBLIC_MODE)
    except SigningError:
        private_path.unlink()  # half a pair would only stand in the way of the next attempt
        raise
    return KeyPair(private_path, public_path, key.public_key)


def _open(pem: bytes, password: bytes | None) -> object:
    """Return what ``cryptography`` makes of an encrypted key."""
    if password is None:
        raise SigningError(
            "the private key is encrypted", why="no password was given", remedy="set COSIGN_PASSWORD to its password"
        )
    if cosignkey.is_sealed(pem):
        return load_der_private_key(cosignkey.unseal(pem, password), None)
    if PKCS8 not in pem:
        return load_pem_private_key(pem, password)
    if not (block := PKCS8_BLOCK.fullmatch(pem)):
        raise ValueError("not one PEM block from its first to its last line")
    der = base64.b64decode(b"".join(block[1].split()), validate=True)
    derivation.check(der)
    return load_der_private_key(der, password)


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except FileExistsError:
        raise SigningError(
            f"{path} exists already",
            why="a key that was overwritten is lost, and with it all it signed",
            remedy="choose another name, or move the file away",
        ) from None
    except OSError as error:
        raise SigningError(
            f"cannot write {path}", why=error.strerror or str(error), remedy="choose a place you can write to"
        ) from None


def _cause(error: Exception) -> str:
    """Return the first sentence: the rest is OpenSSL's error stack."""
    return (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0][:200]


def _private_remedy(pem: bytes) -> str:
    if b"-----BEGIN PUBLIC KEY-----" in pem:
        return "this is a public key: give the private one, such as cosign.key"
    if is_encrypted(pem):
        return "check the password (COSIGN_PASSWORD) and that the file is whole"
    return "give a PEM file with a private key, such as the cosign.key of 'compatbuild key generate'"


def _public_remedy(pem: bytes) -> str:
    if b"PRIVATE KEY-----" in pem:
        return "this is a private key: give the public one, such as cosign.pub"
    if b"-----BEGIN CERTIFICATE-----" in pem:
        return "this is a certificate: give the public key itself ('openssl x509 -pubkey -noout -in FILE')"
    return "give a PEM file with a public key, such as cosign.pub"
