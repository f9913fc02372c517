"""Keys that never leave where they are kept: cloud services, HashiCorp Vault, tokens with a PKCS#11 driver.

securesystemslib asks them; which one, its address says:

- ``awskms:KEY``, ``gcpkms:projects/…/cryptoKeyVersions/1``, ``azurekms://VAULT.vault.azure.net/keys/NAME``, ``hv:NAME``
  (extra ``kms``), with the credentials that the service's own tools use;
- ``hsm:[KEYID][?label=TOKEN]`` (extra ``pkcs11``), with the driver in ``PYKCS11LIB``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from compatbuild.errors import CompatError, SigningError, UsageError
from compatbuild.signing.extras import needs
from compatbuild.signing.keys import PublicKey

if TYPE_CHECKING:
    from securesystemslib.signer import Signer as ServiceSigner

EXTRAS = {"awskms": "kms", "azurekms": "kms", "gcpkms": "kms", "hv": "kms", "hsm": "pkcs11"}
MODULES = {
    "awskms": "boto3",
    "azurekms": "azure.keyvault.keys",
    "gcpkms": "google.cloud.kms",
    "hv": "hvac",
    "hsm": "pkcs11",
}
"""What securesystemslib does not import itself, and each service needs."""

Secret = Callable[[str], str]
"""Asks for a secret by its name (``pin``)."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A private key in a service: a ``Signer`` that lets it sign."""

    public_key: PublicKey
    _service: "ServiceSigner" = field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``; SigningError when the service refuses or signs in a form of its own."""
        try:
            signature = bytes.fromhex(self._service.sign(data).signature)
        except Exception as error:  # noqa: BLE001 - each service raises what it likes
            raise SigningError("the key's service did not sign", why=_said(error), remedy="check its rights") from None
        if not self.public_key.verifies(signature, data):
            raise SigningError(
                "the key's service signed in a form that verifiers of cosign signatures do not take",
                why=f"the signature does not hold for its {self.public_key.algorithm} key",
                remedy="use a P-256 key, or an RSA key for PKCS#1 v1.5 with SHA-256",
            )
        return signature


def open_key(uri: str, secret: Secret) -> ServiceKey:
    """Find a key by its address and learn its public half; nothing is signed.

    Errors: UsageError for an address of no known kind, SigningError without the extra or when the key cannot be had.
    """
    scheme = uri.partition(":")[0]
    if scheme not in EXTRAS:
        raise UsageError(
            f"there is no kind of key {scheme!r}",
            why=f"known are {', '.join(f'{one}:' for one in EXTRAS)}",
            remedy="write kms:URI, such as kms:awskms:KEY or kms:hsm:2?label=TOKEN; docs/signing.md lists all",
        )
    with needs(EXTRAS[scheme], f"a key in {scheme}:"):
        __import__(MODULES[scheme])
        from securesystemslib.signer import Signer  # noqa: PLC0415 - an extra
    try:
        private_uri, public = _found(scheme, uri, secret)
        service = Signer.from_priv_key_uri(private_uri, public, secret)
        return ServiceKey(PublicKey.of(_crypto(public.keyval["public"])), service)
    except CompatError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise SigningError(
            f"the key {uri} cannot be had", why=_said(error), remedy="check its name and your rights to it"
        ) from None


def _found(scheme: str, uri: str, secret: Secret) -> tuple[str, Any]:
    """Ask the service for the key: its full address and its public half, as securesystemslib gives them."""
    from securesystemslib import signer  # noqa: PLC0415 - an extra

    parts = urlsplit(uri)
    if scheme == "hsm":
        label = parse_qs(parts.query).get("label", [None])[0]
        found: tuple[str, Any] = signer.HSMSigner.import_(int(parts.path) if parts.path else None, label, secret)
    elif scheme == "azurekms":
        vault, names = parts.netloc.partition(".")[0], parts.path.split("/")
        if len(names) < 3 or names[1] != "keys":
            raise UsageError(f"{uri} names no key", why="it is not azurekms://VAULT.vault.azure.net/keys/NAME")
        found = signer.AzureSigner.import_(vault, names[2])
    elif scheme == "awskms":
        found = signer.AWSSigner.import_(uri.partition(":")[2].lstrip("/"))
    elif scheme == "gcpkms":
        found = signer.GCPSigner.import_(uri.partition(":")[2].lstrip("/"))
    else:
        found = signer.VaultSigner.import_(parts.path.partition("/")[0])
    return found


def _crypto(text: str) -> object:
    """Return the key that securesystemslib keeps as PEM, or, of Ed25519, in hex."""
    if text.startswith("-----BEGIN"):
        return load_pem_public_key(text.encode())
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
