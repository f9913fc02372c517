"""Key pairs and what they do: sign bytes, check a signature.

ECDSA signs the hash of the curve's size (P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512), signature in
ASN.1 DER; RSA signs PKCS#1 v1.5 with SHA-256; Ed25519 is pure (RFC 8032). These are the defaults of sigstore for each
key type (protobuf-specs v0.5.1, ``PublicKeyDetails``). cosign 3.1.3 signs with Ed25519ph when given an Ed25519 key, and
then refuses what it signed, in both formats; so do we.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from compatbuild.errors import SigningError

CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "secp521r1": "ecdsa-p521"}
HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "ecdsa-p256": hashes.SHA256,
    "ecdsa-p384": hashes.SHA384,
    "ecdsa-p521": hashes.SHA512,
}
# 'cosign verify --key' 3.1.3 checks every ECDSA signature with SHA-256 unless a flag names another hash, even its own.
FLAGGED = {"ecdsa-p384": ("P-384", "sha384"), "ecdsa-p521": ("P-521", "sha512")}
# NIST SP 800-131A rev. 2 ends RSA below 2048 bits; above 8192 one signature takes seconds.
RSA_BITS = range(2048, 8192 + 1)
REMEDY = "use a P-256 key ('compatbuild key generate' makes one), an RSA key of 2048 to 8192 bits, or an Ed25519 key"

PublicAlgorithm = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
PrivateAlgorithm = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; ``spki`` is its DER SubjectPublicKeyInfo (RFC 5280), by which two keys are equal.

    ``algorithm`` is ``ecdsa-p256``, ``ecdsa-p384``, ``ecdsa-p521``, ``rsa-BITS`` or ``ed25519``.
    """

    spki: bytes = field(repr=False)
    algorithm: str = field(compare=False)
    _key: PublicAlgorithm = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: object) -> "PublicKey":
        """Return the public key of one of ``cryptography``; SigningError when its kind is not supported."""
        if not isinstance(key, PublicAlgorithm):
            raise SigningError(
                "this kind of key cannot be used", why=f"a {type(key).__name__} signs nothing", remedy=REMEDY
            )
        algorithm = _algorithm(key)
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return cls(spki, algorithm, key)

    @property
    def fingerprint(self) -> str:
        """``sha256:`` and the SHA-256 of the SubjectPublicKeyInfo in hex: what people compare."""
        return f"sha256:{hashlib.sha256(self.spki).hexdigest()}"

    @property
    def hint(self) -> str:
        """The hint cosign writes into a bundle: the same SHA-256 in base64. It proves nothing."""
        return base64.b64encode(hashlib.sha256(self.spki).digest()).decode()

    @property
    def pem(self) -> bytes:
        """The key as the text of a ``cosign.pub``."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What others will stumble over with this key, one sentence each."""
        if (flagged := FLAGGED.get(self.algorithm)) is None:
            return ()
        curve, digest = flagged
        text = f"'cosign verify' refuses signatures of a {curve} key without --signature-digest-algorithm {digest}"
        return (f"{text}; a P-256 key needs no flag",)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether this key's owner signed exactly ``data``; a malformed signature is a wrong one."""
        try:
            match self._key:
                case ec.EllipticCurvePublicKey():
                    self._key.verify(signature, data, ec.ECDSA(HASHES[self.algorithm]()))
                case rsa.RSAPublicKey():
                    self._key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
                case ed25519.Ed25519PublicKey():
                    self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """Whatever can sign: a key in memory, a key in a service."""

    @property
    def public_key(self) -> PublicKey:
        """The key that checks what this signer signs."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, in the form ``PublicKey.verifies`` takes; SigningError if refused."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key in memory: a ``Signer``. Neither its text form nor its comparison touches the secret."""

    public_key: PublicKey
    _key: PrivateAlgorithm = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: object) -> "PrivateKey":
        """Return the private key of one of ``cryptography``; SigningError when its kind is not supported."""
        if not isinstance(key, PrivateAlgorithm):
            raise SigningError(
                "this kind of key cannot be used", why=f"a {type(key).__name__} signs nothing", remedy=REMEDY
            )
        return cls(PublicKey.of(key.public_key()), key)

    @property
    def pkcs8(self) -> bytes:
        """The secret itself, as unencrypted PKCS#8 DER (RFC 5958): only for sealing it."""
        return self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``."""
        match self._key:
            case ec.EllipticCurvePrivateKey():
                return self._key.sign(data, ec.ECDSA(HASHES[self.public_key.algorithm]()))
            case rsa.RSAPrivateKey():
                return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            case ed25519.Ed25519PrivateKey():
                return self._key.sign(data)


def generate() -> PrivateKey:
    """Make a new key on P-256, the curve every verifier of cosign signatures takes without a flag."""
    return PrivateKey.of(ec.generate_private_key(ec.SECP256R1()))


def _algorithm(key: PublicAlgorithm) -> str:
    match key:
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case rsa.RSAPublicKey() if key.key_size in RSA_BITS:
            return f"rsa-{key.key_size}"
        case rsa.RSAPublicKey():
            raise SigningError("this RSA key cannot be used", why=f"it has {key.key_size} bits", remedy=REMEDY)
        case ec.EllipticCurvePublicKey():
            if (name := CURVES.get(key.curve.name)) is None:
                raise SigningError("this key cannot be used", why=f"curve {key.curve.name}", remedy=REMEDY)
            return name
